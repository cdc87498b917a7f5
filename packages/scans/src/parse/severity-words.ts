import type { Severity } from "@gatehouse/policy";

const words: Readonly<Record<string, Severity>> = {
  critical: "critical",
  high: "high",
  medium: "medium",
  low: "low",
  negligible: "negligible",
};

/** A scanner's word for a severity, in any case. A word that is not one of ours is `unknown`, never a mild one. */
export function severityOf(word: unknown): Severity {
  const key = typeof word === "string" ? word.trim().toLowerCase() : "";
  return (Object.hasOwn(words, key) ? words[key] : undefined) ?? "unknown";
}

/**
 * The severity that a CVSS base score stands for, by the qualitative rating scale of CVSS v3.1 and v4.0
 * (https://www.first.org/cvss/v4-0/specification-document, section 6). A score of 0 is what some scanners write for
 * "no score", so it is unknown.
 */
export function severityOfScore(score: number): Severity {
  if (score >= 9) return "critical";
  if (score >= 7) return "high";
  if (score >= 4) return "medium";
  return score > 0 ? "low" : "unknown";
}
