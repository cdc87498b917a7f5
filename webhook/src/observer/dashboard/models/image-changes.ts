/** What would change the verdict on an image, in sentences. */
import type { Change, Mode, Outcome, Policy } from "@gatehouse/policy";
import { few, outcomeCell } from "../words.ts";

/** A line for each change; for an image that is admitted, that nothing has to change. */
export function changeLines(
  changes: readonly Change[],
  policy: Policy,
  outcome: Outcome,
  mode: Mode,
): string[] {
  const then = (after: Outcome) => outcomeCell(after, mode).text;
  const lines = changes.flatMap((change): string[] => {
    switch (change.kind) {
      case "upgrade":
        return [
          ...change.upgrades.map(
            ({ package: name, from, to, findings }) =>
              `Upgrade ${name}${from === undefined ? "" : ` from ${from}`} to ${to.length === 0 ? "the version with the fix" : to.join(" or later, ")} (${few(findings)}).`,
          ),
          `With ${change.upgrades.length === 1 ? "it" : "all of them"} it is ${then(change.outcome)}.`,
        ];
      case "no-fix":
        return [
          `No fix is known for ${few([...new Set(change.findings.map(({ id }) => id))], 5)}. ${policy.exemptionHelp}`,
        ];
      case "scan":
        return [`After a finished scan that finds no more than is known it is ${then(change.outcome)}.`];
      case "renew":
        return [
          `With exemption ${change.exemption}, which ended on ${change.until}, it is ${then(change.outcome)}.`,
        ];
      case "ends":
        return [
          `Once exemption ${change.exemption} ${change.until === undefined ? "is taken out" : `ends (${change.until})`} it is ${then(change.outcome)}.`,
        ];
      default:
        return change satisfies never;
    }
  });
  if (lines.length > 0) return lines;
  return outcome === "allow"
    ? ["Nothing has to change: it is admitted."]
    : [`An exemption. ${policy.exemptionHelp}`];
}
