/** Warnings for kubectl: what mode audit says of a ruling, one line each. */
import type { ImageDecision, RuleResult, Ruling } from "./decision.ts";
import type { Finding } from "./finding.ts";
import { messageCodes } from "./message-codes.ts";
import type { Refusal } from "./messages.ts";
import { because, codeOf, idsWithin, results } from "./reasons.ts";
import { oneLine, runes, tail } from "./safe-text.ts";

/** Longest warning. kubectl shows one line; the API server may cut those above 256 (apiserver `warning` package). */
export const warningLength = 120;
/** What the API server takes in all before it cuts and drops warnings (apiserver admission `webhook/errors`). */
export const warningsLength = 4096;

/**
 * Warnings for kubectl: one line each, most important first. No id is ever cut: one that does not fit is counted.
 * At most {@link warningLength} characters each and {@link warningsLength} in all.
 */
export function warnings(ruling: Ruling): string[] {
  const lines: { line: string; deny: boolean; severity: number }[] = [];
  for (const image of ruling.images) {
    for (const result of results(image)) {
      const worst = result.findings[0];
      const known = worst === undefined ? 0 : severityRank(worst);
      lines.push({ line: warning(image, result), deny: result.outcome === "deny", severity: known });
    }
  }
  lines.sort((a, b) => Number(b.deny) - Number(a.deny) || b.severity - a.severity);
  return withinTotal([...new Set(lines.map(({ line }) => line))]);
}

function severityRank(finding: Finding): number {
  return finding.severity === "critical"
    ? 2
    : finding.severity === "unknown" || finding.severity === "high"
      ? 1
      : 0;
}

function withinTotal(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let used = 0;
  for (const [index, line] of lines.entries()) {
    const more = `and ${lines.length - index} more warnings; the gate's event has them all`;
    const last = index === lines.length - 1;
    if (used + runes(line) + (last ? 0 : more.length) > warningsLength) return [...kept, more];
    kept.push(line);
    used += runes(line);
  }
  return kept;
}

function warning(image: ImageDecision, result: RuleResult): string {
  const code = codeOf(image, result);
  const verb = result.outcome === "deny" ? "deny mode would refuse" : "audit";
  const head = `[${code}] ${verb} ${shortReference(image.reference, 44)} (${oneLine(result.rule, 28)}): `;
  const room = warningLength - runes(head);
  return (
    head +
    (result.findings.length > 0 ? idsWithin(result.findings, room) : oneLine(because(image, result), room))
  );
}

/** A reference short enough for one line: its digest is cut to twelve digits, and its end is kept. */
function shortReference(reference: string, max: number): string {
  const safe = oneLine(reference, 1024).replace(/@(sha\d+):([0-9a-f]{12})[0-9a-f]+$/, "@$1:$2");
  return tail(safe, max);
}

/** A refusal as one warning. */
export function refusalWarning(refusal: Refusal): string {
  const problem = refusal.problems[0];
  const words = `[${refusal.code}] deny mode would refuse: ${messageCodes[refusal.code].title}`;
  return oneLine(problem === undefined ? words : `${words}: ${problem}`, warningLength);
}
