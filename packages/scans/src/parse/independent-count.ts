/**
 * Counts the vulnerabilities of a raw report by walking its JSON in the plainest way, sharing nothing with the parsers,
 * so that the two can be held against each other. An entry counts once however often it is repeated; entries that
 * the scanner itself rules out (`not_affected`, `ignoredMatches`) do not count.
 *
 * Returns undefined when the document is of no format that is counted here.
 */
export function countVulnerabilities(document: unknown): number | undefined {
  const root = at(document, "predicate") ?? document;
  const inner = at(root, "scanner", "result");
  if (Array.isArray(inner)) return distinct(inner);
  const report = inner ?? root;
  if (Array.isArray(report)) return trivy(report);
  if (at(report, "SchemaVersion") !== undefined) return trivy(listAt(report, "Results"));
  if (Array.isArray(at(report, "matches"))) return grype(listAt(report, "matches"));
  if (Array.isArray(at(report, "runs"))) return sarif(listAt(report, "runs"));
  return undefined;
}

function trivy(results: readonly unknown[]): number {
  const entries = results.flatMap((result) => [
    ...listAt(result, "Vulnerabilities").map((entry) => ({ entry, target: at(result, "Target") })),
    ...listAt(result, "ExperimentalModifiedFindings")
      .filter((one) => at(one, "Type") === "vulnerability")
      .filter((one) => !["ignored", "not_affected", "fixed"].includes(String(at(one, "Status"))))
      .map((one) => ({ entry: at(one, "Finding"), target: at(result, "Target") })),
  ]);
  return distinct(
    entries
      .filter(({ entry }) => at(entry, "Status") !== "not_affected")
      .map(({ entry, target }) => [
        at(entry, "VulnerabilityID"),
        at(entry, "PkgName"),
        at(entry, "InstalledVersion"),
        at(entry, "PkgPath"),
        at(entry, "PkgIdentifier", "PURL"),
        target,
      ]),
  );
}

function grype(matches: readonly unknown[]): number {
  return distinct(
    matches.map((match) => [
      at(match, "vulnerability", "id"),
      at(match, "artifact", "name"),
      at(match, "artifact", "version"),
      at(match, "artifact", "type"),
      at(match, "artifact", "purl"),
      at(listAt(match, "artifact", "locations")[0], "path"),
    ]),
  );
}

function sarif(runs: readonly unknown[]): number {
  return distinct(
    runs.flatMap((run) =>
      listAt(run, "results")
        .filter((result) => {
          const rule = listAt(run, "tool", "driver", "rules").find(
            (one) => at(one, "id") === at(result, "ruleId"),
          );
          return !/^(?:Misconfiguration|Secret|License)$/.test(String(at(rule, "name")));
        })
        .map((result) => [at(result, "ruleId"), at(result, "message", "text"), at(result, "locations")]),
    ),
  );
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[key] : undefined,
    value,
  );
}

function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const list = at(value, ...path);
  return Array.isArray(list) ? list : [];
}

function distinct(entries: readonly unknown[]): number {
  return new Set(entries.map((entry) => JSON.stringify(entry))).size;
}
