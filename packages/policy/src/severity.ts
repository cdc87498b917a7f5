/**
 * How bad a finding is, worst first. `unknown` is a class of its own: a scanner that gave no severity has
 * not said that the finding is harmless, so it never compares as low (see `atLeastSeverity`).
 */
export const severities = ["critical", "high", "medium", "low", "negligible", "unknown"] as const;
/** One of {@link severities}. */
export type Severity = (typeof severities)[number];

/** A severity that can be compared: every one but `unknown`. */
export type KnownSeverity = Exclude<Severity, "unknown">;
/** All severities but `unknown`, worst first. */
export const knownSeverities = [
  "critical",
  "high",
  "medium",
  "low",
  "negligible",
] as const satisfies readonly KnownSeverity[];

const rank: Record<KnownSeverity, number> = { critical: 5, high: 4, medium: 3, low: 2, negligible: 1 };

/** Whether `severity` is `minimum` or worse; `undefined` when the severity is not known. */
export function atLeastSeverity(severity: Severity, minimum: KnownSeverity): boolean | undefined {
  return severity === "unknown" ? undefined : rank[severity] >= rank[minimum];
}

/** Sorts worst first; `unknown` stands between critical and high, where a reader will not overlook it. */
export function compareSeverity(a: Severity, b: Severity): number {
  return sortKey(b) - sortKey(a);
}

function sortKey(severity: Severity): number {
  return severity === "unknown" ? 4.5 : rank[severity];
}
