import type { ClusterFacts } from "../facts.ts";
import { findingsOf, type DoctorFinding } from "../finding.ts";

/** The oldest Kubernetes that the gate is for. */
const oldest = { major: 1, minor: 31 };

/** What a cluster must have before a gate is put into it. */
export function prerequisites({ version, policies, rights }: ClusterFacts): DoctorFinding[] {
  const { ok, warning, problem } = findingsOf("prerequisites");
  const findings: DoctorFinding[] = [];
  if ("why" in version)
    findings.push(
      problem(
        `the cluster's version is not known: ${version.why}`,
        "check the kubeconfig and the way to the API server",
      ),
    );
  else {
    const { major, minor, gitVersion } = version.value;
    findings.push(
      major > oldest.major || (major === oldest.major && minor >= oldest.minor)
        ? ok(`Kubernetes ${gitVersion}`)
        : problem(`Kubernetes ${gitVersion} is older than 1.31`, "upgrade the cluster's control plane first"),
    );
  }
  if ("why" in policies)
    findings.push(
      warning(
        `whether ValidatingAdmissionPolicy is served is not known: ${policies.why}`,
        "kubectl get --raw /apis/admissionregistration.k8s.io/v1",
      ),
    );
  else
    findings.push(
      policies.value
        ? ok("ValidatingAdmissionPolicy is served")
        : problem(
            "the API server does not serve ValidatingAdmissionPolicy (admissionregistration.k8s.io/v1)",
            "upgrade the cluster, or enable the API with --runtime-config",
          ),
    );
  for (const { who, what, allowed } of rights) {
    if ("why" in allowed)
      findings.push(
        warning(`whether ${who} may ${what} is not known: ${allowed.why}`, `kubectl auth can-i ${what}`),
      );
    else if (!allowed.value)
      findings.push(
        problem(
          `${who} may not ${what}`,
          who === "you"
            ? `have it granted, or ask as somebody else: kubectl auth can-i ${what}`
            : "pulumi up, which binds the gate's cluster roles to its service accounts",
        ),
      );
  }
  if (rights.length > 0 && rights.every(({ allowed }) => "value" in allowed && allowed.value))
    findings.push(ok(`all ${rights.length} rights that were asked about are there`));
  return findings;
}
