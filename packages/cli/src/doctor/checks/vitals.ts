import type { ClusterFacts } from "../facts.ts";
import { findingsOf, type DoctorFinding } from "../finding.ts";

/** What the cluster cannot do without and the gate is asked about: with failurePolicy Fail they could wait for each other. */
export function vitals({ vitals: all, validating }: ClusterFacts): DoctorFinding[] {
  const { ok, warning } = findingsOf("namespaces");
  if ("why" in all)
    return [
      warning(
        `what the cluster depends on cannot be read: ${all.why}`,
        "kubectl auth can-i list daemonsets -A",
      ),
    ];
  if ("why" in validating || validating.value === undefined) return [];
  const { failurePolicy, excluded = [] } = validating.value;
  const judged = new Map<string, string[]>();
  for (const { what, namespace, name } of all.value)
    if (!excluded.includes(namespace))
      judged.set(namespace, [...(judged.get(namespace) ?? []), `${name} (${what})`]);
  if (judged.size === 0)
    return [ok("network, storage, autoscaler, DNS and other webhooks are in excluded namespaces")];
  return [...judged]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([namespace, names]) => {
      const some = [...new Set(names)].sort();
      const list = `${some.slice(0, 3).join(", ")}${some.length > 3 ? ` and ${some.length - 3} more` : ""}`;
      return failurePolicy === "Fail"
        ? warning(
            `namespace ${namespace} is judged and holds ${list}: while no gate answers it cannot come back, and the gate may need it`,
            `add ${namespace} to gatehouse:excludedNamespaces, then pulumi up`,
          )
        : ok(
            `namespace ${namespace} is judged and holds ${list}; failurePolicy ${failurePolicy} lets it come back`,
          );
    });
}
