import type { ClusterFacts, DeploymentFacts } from "../facts.ts";
import { findingsOf, type DoctorFinding } from "../finding.ts";
import { gateNames } from "../names.ts";

const check = "installation";

/** Whether the gate is there, asked, and ready. */
export function installation(facts: ClusterFacts): DoctorFinding[] {
  return [...registration(facts), ...deployments(facts), ...pods(facts)];
}

function registration({ validating, pinning, namespace, config }: ClusterFacts): DoctorFinding[] {
  const { ok, warning, problem } = findingsOf(check);
  if ("why" in validating)
    return [
      warning(
        `the webhook configuration cannot be read: ${validating.why}`,
        `kubectl get validatingwebhookconfiguration ${gateNames.validating}`,
      ),
    ];
  const { value } = validating;
  if (value === undefined)
    return [
      problem(
        `there is no ValidatingWebhookConfiguration ${gateNames.validating}: nothing is judged`,
        "pulumi up",
      ),
    ];
  const findings: DoctorFinding[] = [];
  const mode = value.annotations[gateNames.mode] ?? "not known";
  const expected = mode === "deny" ? "Fail" : "Ignore";
  const text = `failurePolicy is ${value.failurePolicy} in mode ${mode}`;
  if (value.failurePolicy === expected) findings.push(ok(text));
  else if (mode === "deny")
    findings.push(
      warning(
        `${text}: what no gate answers for is admitted unjudged`,
        "remove failurePolicy of Gate (deny: Fail), then pulumi up",
      ),
    );
  else
    findings.push(
      warning(
        `${text}: a gate that only audits can stop the cluster`,
        "remove failurePolicy of Gate (audit: Ignore), then pulumi up",
      ),
    );
  const service = `${namespace}/${gateNames.service}`;
  if (value.service !== service)
    findings.push(problem(`the API server asks ${value.service}, not ${service}`, "pulumi up --refresh"));
  if (value.excluded === undefined)
    findings.push(
      problem(
        `the match condition ${gateNames.exclusion} is not the one that the gate writes`,
        "pulumi up --refresh, and find out who edited the webhook configuration",
      ),
    );
  else if (!value.excluded.includes(namespace))
    findings.push(
      problem(
        `the gate's own namespace ${namespace} is not excluded: it cannot come back by itself`,
        "pulumi up --refresh",
      ),
    );
  if ("value" in config) {
    if (config.value.mode !== mode)
      findings.push(
        problem(`the registration says mode ${mode}, the judges are told ${config.value.mode}`, "pulumi up"),
      );
    if ("value" in pinning && config.value.pin !== (pinning.value !== undefined))
      findings.push(
        problem(
          config.value.pin
            ? `Pods should be pinned, and there is no MutatingWebhookConfiguration ${gateNames.pinning}`
            : `Pods should not be pinned, and there is a MutatingWebhookConfiguration ${gateNames.pinning}`,
          "pulumi up --refresh",
        ),
      );
  }
  return findings;
}

function deployments({ deployments: all, namespace }: ClusterFacts): DoctorFinding[] {
  const { ok, warning, problem } = findingsOf(check);
  if ("why" in all)
    return [
      warning(`the gate's Deployments cannot be read: ${all.why}`, `kubectl get deployments -n ${namespace}`),
    ];
  const one = (part: DeploymentFacts["part"]): DoctorFinding => {
    const found = all.value.find((each) => each.part === part);
    if (found === undefined)
      return problem(
        `there is no Deployment of the ${part} in namespace ${namespace}`,
        "pulumi up; another namespace is named by --gate-namespace",
      );
    const { name, wanted, ready, stuck } = found;
    const look = `kubectl describe deployment -n ${namespace} ${name}`;
    const text = `${part}: ${ready} of ${wanted} ready`;
    if (stuck !== undefined) return problem(`${text}; its roll-out is stuck: ${stuck}`, look);
    if (ready === 0) return problem(text, look);
    return ready < wanted ? warning(text, look) : ok(text);
  };
  return [one("judge"), one("observer")];
}

function pods({ pods: all, validating, namespace }: ClusterFacts): DoctorFinding[] {
  const { ok, warning, problem } = findingsOf(check);
  if ("why" in all)
    return [warning(`the gate's Pods cannot be read: ${all.why}`, `kubectl get pods -n ${namespace}`)];
  const findings: DoctorFinding[] = [];
  const inForce = "value" in validating ? validating.value?.annotations[gateNames.policyHash] : undefined;
  const judges = all.value.filter(({ part, ready }) => part === "judge" && ready);
  const others = all.value.filter(({ ready, policyHash }) => ready && policyHash !== inForce);
  if (inForce !== undefined && others.length > 0)
    findings.push(
      problem(
        `policy ${inForce.slice(0, 12)} is registered, ${others.map(({ name }) => name).join(", ")} judges by ${others[0]?.policyHash?.slice(0, 12) ?? "another"}`,
        "wait for the roll-out to end, or pulumi up",
      ),
    );
  else if (inForce !== undefined && judges.length > 0)
    findings.push(ok(`policy ${inForce.slice(0, 12)} is registered and judged by`));
  const nodes = new Set(judges.map(({ node }) => node));
  if (judges.length > 1 && nodes.size === 1)
    findings.push(
      warning(
        `all judges are on node ${judges[0]?.node ?? "?"}: its loss is a time without a gate`,
        `kubectl delete pod -n ${namespace} ${judges[0]?.name ?? ""}, once another node has room`,
      ),
    );
  for (const { name, restarts, lastWords } of all.value)
    if (restarts > 3)
      findings.push(
        warning(
          `${name} was restarted ${restarts} times${lastWords === undefined ? "" : `; its last words: ${lastWords}`}`,
          `kubectl logs -n ${namespace} ${name} --previous`,
        ),
      );
  return findings;
}
