/** Why a rule asks for what it asks, in a code and in one line: what denials, warnings and events have in common. */
import type { CouldNotTell, ImageDecision, RuleResult, Ruling } from "./decision.ts";
import type { Finding } from "./finding.ts";
import { parseImageReference } from "./image-reference.ts";
import { stateCodes, type MessageCode } from "./message-codes.ts";
import { rememberLast, rememberLong } from "./remember-list.ts";
import { oneLine, runes } from "./safe-text.ts";

/** Attributes that could not be told and are named. */
const namedUnknowns = 4;

/** The code of what one rule says about one image. */
export function codeOf(image: ImageDecision, result: RuleResult): MessageCode {
  if (referenceProblem(image) !== undefined) return "GH1021";
  if (!result.matched) return result.state.state === "complete" ? "GH1002" : stateCodes[result.state.state];
  if (result.findings.length === 0) return result.couldNotTell.length > 0 ? "GH1003" : "GH1002";
  if (result.couldNotTell.length === 0) return "GH1001";
  return isSure(result.findings)(result.couldNotTell) ? "GH1001" : "GH1003";
}

/** Whether any of the findings counts for what is known of it. */
const isSure = rememberLong((findings: readonly Finding[]) =>
  rememberLast(([attributes = []]: readonly (readonly CouldNotTell[])[]) => {
    const unknown = new Set(attributes.map(({ finding }) => finding));
    return findings.some(({ id }) => !unknown.has(id));
  }),
);

/** Why the reference is none, when it is none. Asked only of images that nothing can scan. */
function referenceProblem(image: ImageDecision): string | undefined {
  if (image.state !== "unsupported") return undefined;
  const parsed = parseImageReference(image.reference);
  return parsed.ok ? undefined : parsed.problem;
}

/** Why a rule asks for what it asks, in one line. */
export function because(image: ImageDecision, result: RuleResult): string {
  const invalid = referenceProblem(image);
  if (invalid !== undefined) return oneLine(`the reference is not valid: ${invalid}`, 240);
  if (!result.matched) return oneLine(stateWords(image, result), 240);
  if (result.findings.length === 0) {
    return result.couldNotTell.length > 0
      ? oneLine(`could not tell: ${unknowns(result)}`, 240)
      : "its condition on the age of the image or scan, or on who signed the report, holds";
  }
  const count = result.findings.length === 1 ? "1 finding" : `${result.findings.length} findings`;
  return oneLine(`${count}: ${idsWithin(result.findings, 200)}`, 240);
}

/** Results that ask for `outcome` or worse, those that deny first. */
export function results(image: ImageDecision): RuleResult[] {
  return image.rules
    .filter((result) => result.outcome !== "allow")
    .sort((a, b) => Number(b.outcome === "deny") - Number(a.outcome === "deny"));
}

/** The code that leads a ruling: that of its worst image's first rule. Absent when nothing matched. */
export function leadingCode(ruling: Ruling): MessageCode | undefined {
  if (ruling.outcome === "allow") return undefined;
  for (const outcome of ["deny", "audit"] as const) {
    for (const image of ruling.images) {
      if (image.outcome === "allow") continue;
      const result = image.rules.find((candidate) => candidate.outcome === outcome);
      if (result) return codeOf(image, result);
    }
  }
  return undefined;
}

/** Ids that fit whole, then how many are left. */
export function idsWithin(findings: readonly Finding[], room: number): string {
  const ids = distinctIds(findings);
  let text = "";
  let shown = 0;
  for (const id of ids) {
    const safe = oneLine(id, id.length + 1);
    const left = ids.length - shown - 1;
    const next = text === "" ? safe : `${text}, ${safe}`;
    const suffix = left === 0 ? "" : `, +${left} more`;
    if (runes(next) + suffix.length > room) break;
    text = next;
    shown++;
  }
  if (shown === 0) return oneLine(`${ids.length} findings`, room);
  return shown === ids.length ? text : `${text}, +${ids.length - shown} more`;
}

const distinctIds = rememberLong((findings: readonly Finding[]): readonly string[] => [
  ...new Set(findings.map(({ id }) => id)),
]);

/** The state of the scan in words. */
function stateWords(image: ImageDecision, result: RuleResult): string {
  const { state } = result.state;
  return image.stateReason === undefined ? `scan ${state}` : `scan ${state}: ${image.stateReason}`;
}

/** What could not be told, in words. */
export function unknowns({ couldNotTell }: RuleResult): string {
  const shown = couldNotTell
    .slice(0, namedUnknowns)
    .map(({ attribute, finding }) => (finding === undefined ? attribute : `${attribute} of ${finding}`))
    .map((words) => oneLine(words, 120))
    .join(", ");
  const left = couldNotTell.length - namedUnknowns;
  return left > 0 ? `${shown} and ${left} more` : shown;
}
