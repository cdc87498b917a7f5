import type { ClusterFacts } from "../facts.ts";
import { findingsOf, type DoctorFinding } from "../finding.ts";

/** Whether the API server reaches the gate: a harmless Pod was created as a dry run. */
export function reach({ dryRun, namespace, validating }: ClusterFacts): DoctorFinding[] {
  const { ok, warning, problem } = findingsOf("reachability");
  if ("why" in dryRun)
    return [
      warning(
        `whether the API server reaches the gate is not known: ${dryRun.why}`,
        "name a namespace that is judged and that you may create Pods in: --probe-namespace",
      ),
    ];
  const { outcome, said, namespace: where } = dryRun.value;
  if ("value" in validating && validating.value?.excluded?.includes(where) === true)
    return [
      warning(
        `namespace ${where} is excluded, so a Pod there says nothing of the gate`,
        "name a namespace that is judged: --probe-namespace",
      ),
    ];
  switch (outcome) {
    case "judged":
      return [ok(`a Pod in namespace ${where} was judged (dry run)`)];
    case "webhook-failed":
      return [problem(`the API server does not reach the gate: ${said}`, mendOf(said, namespace))];
    case "refused-by-others":
      return [
        warning(
          `somebody else refused the Pod before the gate was seen to: ${said}`,
          "name a namespace where a plain Pod may be created: --probe-namespace",
        ),
      ];
    case "silent": {
      const fails = "value" in validating && validating.value?.failurePolicy === "Fail";
      return [
        fails
          ? ok(
              `a Pod in namespace ${where} was admitted, which with failurePolicy Fail takes the gate's answer (dry run)`,
            )
          : warning(
              `a Pod in namespace ${where} was admitted without a word: with failurePolicy Ignore that is so without a gate too`,
              `kubectl get --raw '/metrics' | grep apiserver_admission_webhook_fail_open_count`,
            ),
      ];
    }
  }
}

function mendOf(said: string, namespace: string): string {
  if (/x509|certificate/.test(said)) return "pulumi up --refresh, which puts the right caBundle back";
  if (/no endpoints/.test(said))
    return `kubectl get pods -n ${namespace} -l app.kubernetes.io/component=judge`;
  if (/deadline|timeout|i\/o|refused|no route/.test(said))
    return "let the control plane reach the judge's port: targetPort of Gate (10250 on private GKE), firewall, security group, NetworkPolicy";
  return `kubectl logs -n ${namespace} -l app.kubernetes.io/component=judge`;
}
