import type { Impact, ImpactEntry } from "./impact-model.ts";
import { oneLine } from "./safe-text.ts";

/**
 * An impact as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/): one result for each workload and rule,
 * newly denied ones as errors, newly audited ones as warnings. Workloads are logical locations: there is no file.
 */
export function impactSarif(impact: Impact): object {
  const results = [
    ...impact.newlyDenied.flatMap((entry) => resultsOf(entry, "error", "would be denied when next created")),
    ...impact.newlyAudited.flatMap((entry) => resultsOf(entry, "warning", "would be audited")),
  ];
  const rules = [...new Set(results.map(({ ruleId }) => ruleId))].sort();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "gatehouse", rules: rules.map((id) => ({ id })) } },
        results,
      },
    ],
  };
}

function resultsOf({ owner, rules, images }: ImpactEntry, level: "error" | "warning", what: string) {
  const references = images.map(({ reference }) => oneLine(reference, 200)).join(", ");
  return rules.map((ruleId) => ({
    ruleId,
    level,
    message: { text: `${oneLine(owner, 300)} ${what}: ${references}` },
    locations: [{ logicalLocations: [{ fullyQualifiedName: owner, kind: "resource" }] }],
  }));
}
