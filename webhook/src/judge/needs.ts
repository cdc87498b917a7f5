import type { Policy, Scope } from "@gatehouse/policy";

const known = new WeakMap<Policy, boolean>();

/** Whether any rule or exemption asks for a namespace's labels: only then are they worth a question to the API server. */
export function asksNamespaceLabels(policy: Policy): boolean {
  let asks = known.get(policy);
  if (asks === undefined) {
    asks = [...ruleScopes(policy), ...Object.values(policy.exemptions).map(({ where }) => where)].some(
      byNamespaceLabels,
    );
    known.set(policy, asks);
  }
  return asks;
}

function ruleScopes(policy: Policy): (Scope | undefined)[] {
  return Object.values(policy.rules).flatMap(({ where, except }) => [where, ...[except ?? []].flat()]);
}

function byNamespaceLabels(scope: Scope | undefined): boolean {
  const namespace = scope?.namespace;
  return (
    typeof namespace === "object" &&
    !Array.isArray(namespace) &&
    "labels" in namespace &&
    namespace.labels !== undefined
  );
}
