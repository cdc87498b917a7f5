import type { Severity } from "@gatehouse/policy";

const words: Readonly<Record<string, Severity>> = {
  CRITICAL: "critical",
  HIGH: "high",
  MEDIUM: "medium",
  LOW: "low",
  INFORMATIONAL: "negligible",
};

/** ECR's and Inspector's severities. `UNDEFINED` and `UNTRIAGED` say that nobody has rated it, and so does all else. */
export function ecrSeverity(word: unknown): Severity {
  return (typeof word === "string" && Object.hasOwn(words, word) ? words[word] : undefined) ?? "unknown";
}
