/**
 * All prose that the gate says about a ruling, made in this one place from plain data. Whatever a requester or a
 * scanner wrote passes through `oneLine` before it stands in a message.
 */
import type { CouldNotTell, ImageDecision, RuleResult, Ruling } from "./decision.ts";
import type { Finding } from "./finding.ts";
import { messageCodes, stateCodes, type MessageCode } from "./message-codes.ts";
import { parseImageReference } from "./image-reference.ts";
import type { Policy } from "./model.ts";
import { rememberLast, rememberLong } from "./remember-list.ts";
import { oneLine, runes, tail } from "./safe-text.ts";
import type { Subject } from "./subject.ts";

/** Longest warning. kubectl shows one line; the API server may cut those above 256 (apiserver `warning` package). */
export const warningLength = 120;
/** What the API server takes in all before it cuts and drops warnings (apiserver admission `webhook/errors`). */
export const warningsLength = 4096;

const limits = { images: 5, rules: 4, findings: 5, unknowns: 4, paths: 2, problems: 5 } as const;

/** What a message is about: a ruling, what was judged and the policy it was judged by. */
export interface Ruled {
  ruling: Ruling;
  subject: Subject;
  policy: Pick<Policy, "rules" | "exemptionHelp">;
}

/** Why an object was refused before or without a decision. */
export interface Refusal {
  code: Extract<MessageCode, "GH1022" | "GH1023" | "GH1031">;
  /** One line each. */
  problems: readonly string[];
}

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
function results(image: ImageDecision): RuleResult[] {
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

/** Ids that fit whole, then how many are left. */
function idsWithin(findings: readonly Finding[], room: number): string {
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

/** A reference short enough for one line: its digest is cut to twelve digits, and its end is kept. */
function shortReference(reference: string, max: number): string {
  const safe = oneLine(reference, 1024).replace(/@(sha\d+):([0-9a-f]{12})[0-9a-f]+$/, "@$1:$2");
  return tail(safe, max);
}

function stateWords(image: ImageDecision, result: RuleResult): string {
  const { state } = result.state;
  return image.stateReason === undefined ? `scan ${state}` : `scan ${state}: ${image.stateReason}`;
}

/**
 * What a denied person reads, in several lines: which image, by which rule and why, what mends it, and how to get an
 * exemption. The first line has the code that leads to the documentation.
 */
export function denialMessage({ ruling, subject, policy }: Ruled): string {
  const denied = ruling.images.filter((image) => image.outcome === "deny");
  const lines = [`Gatehouse denied ${objectName(subject)} [${leadingCode(ruling) ?? "GH1031"}]`];
  for (const image of denied.slice(0, limits.images)) lines.push(...imageLines(image, subject, policy));
  if (denied.length > limits.images) lines.push("", `and ${denied.length - limits.images} more images`);
  lines.push("", `Exemption: ${oneLine(policy.exemptionHelp, 400)}`);
  return lines.join("\n");
}

function objectName(subject: Subject): string {
  const name = subject.object.name === "" ? `${subject.pod}…` : subject.object.name;
  return oneLine(`${subject.object.kind} ${subject.namespace.name}/${name}`, 400);
}

function imageLines(image: ImageDecision, subject: Subject, policy: Ruled["policy"]): string[] {
  const lines = ["", `Image ${oneLine(image.reference, 512)}`];
  if (image.digest !== undefined && !image.reference.endsWith(image.digest)) {
    lines.push(
      `  Digest: ${oneLine(image.digest, 150)}${image.platform ? ` (${oneLine(image.platform, 40)})` : ""}`,
    );
  }
  const uses = subject.images.filter((use) => use.reference === image.reference);
  const shown = uses
    .slice(0, limits.paths)
    .map((use) => `${kindWords[use.kind]} ${oneLine(use.name, 80)} at ${oneLine(use.path, 120)}`);
  if (uses.length > limits.paths) shown.push(`and ${uses.length - limits.paths} more`);
  if (shown.length > 0) lines.push(`  In: ${shown.join("; ")}`);
  const denying = results(image).filter((result) => result.outcome === "deny");
  for (const result of denying.slice(0, limits.rules)) lines.push(...ruleLines(image, result, policy));
  if (denying.length > limits.rules) lines.push(`  and ${denying.length - limits.rules} more rules`);
  return lines;
}

const kindWords = {
  container: "container",
  initContainer: "init container",
  ephemeralContainer: "ephemeral container",
  imageVolume: "image volume",
} as const;

function ruleLines(image: ImageDecision, result: RuleResult, policy: Ruled["policy"]): string[] {
  const code = codeOf(image, result);
  const description = policy.rules[result.rule]?.description;
  const lines = [
    `  Rule ${oneLine(result.rule, 100)}${description ? `: ${oneLine(description, 200)}` : ""} [${code}]`,
  ];
  if (code === "GH1021") return [...lines, `    ${because(image, result)}`];
  if (result.findings.length > 0) lines.push(...findingLines(image, result));
  else if (result.matched) lines.push(`    ${because(image, result)}`);
  if (code === "GH1003") lines.push("    The gate could not tell, and the rule counts what is unknown.");
  if (result.couldNotTell.length > 0) lines.push(`    Not known: ${unknowns(result)}`);
  if (result.state.outcome === "deny" && result.state.state !== "complete") {
    lines.push(
      `    ${messageCodes[stateCodes[result.state.state]].title}, says ${oneLine(image.source, 80)}${image.stateReason ? `: ${oneLine(image.stateReason, 240)}` : ""}`,
    );
    lines.push(`    ${stateAdvice[result.state.state]}`);
  }
  return lines;
}

const stateAdvice: Record<Exclude<RuleResult["state"]["state"], "complete">, string> = {
  pending: "Wait for the scan to end, then deploy again.",
  partial: "Have the image scanned again.",
  failed: "Mend what the scanner complains of and have the image scanned again.",
  unsupported: "Use an image and a registry that the gate's sources can scan.",
  absent: "Have the image scanned, then deploy again.",
  stale: "Have the image scanned again, or rebuild it.",
  unavailable: "This says nothing about the image. Try again in a few seconds.",
};

function findingLines(image: ImageDecision, result: RuleResult): string[] {
  const sorted = result.findings;
  const when =
    image.scannedAt === undefined ? "scan time not known" : `scanned ${oneLine(image.scannedAt, 40)}`;
  const unsigned = image.trust.kind === "unsigned" ? ", unsigned report" : "";
  const count = sorted.length === 1 ? "1 finding" : `${sorted.length} findings`;
  const lines = [`    ${count} (${when}, ${oneLine(image.source, 80)}${unsigned}):`];
  for (const finding of sorted.slice(0, limits.findings)) lines.push(`      ${findingWords(finding)}`);
  if (sorted.length > limits.findings) lines.push(`      and ${sorted.length - limits.findings} more`);
  return lines;
}

function findingWords(finding: Finding): string {
  const about = finding.package;
  const words = [oneLine(finding.id, 80), finding.severity];
  if (about)
    words.push(`in ${oneLine(about.name, 100)}${about.version ? ` ${oneLine(about.version, 60)}` : ""}`);
  if (finding.fix?.available === true) {
    words.push(finding.fix.version ? `fixed in ${oneLine(finding.fix.version, 60)}` : "a fix is out");
  } else words.push(finding.fix === undefined ? "fix not known" : "no fix yet");
  if (finding.knownExploited === true) words.push("known to be exploited");
  return words.join(", ");
}

function unknowns(result: RuleResult): string {
  const words = result.couldNotTell.map((unknown) =>
    unknown.finding === undefined ? unknown.attribute : `${unknown.attribute} of ${unknown.finding}`,
  );
  const shown = words.slice(0, limits.unknowns).map((word) => oneLine(word, 120));
  return words.length > shown.length
    ? `${shown.join(", ")} and ${words.length - shown.length} more`
    : shown.join(", ");
}

/** What a person reads whose object could not be judged at all. `request` is the request's uid, for the log. */
export function refusalMessage(refusal: Refusal, object: string, request: string): string {
  const { title } = messageCodes[refusal.code];
  const lines = [`Gatehouse denied ${oneLine(object, 400)} [${refusal.code}]`, "", title];
  for (const problem of refusal.problems.slice(0, limits.problems)) lines.push(`  ${oneLine(problem, 300)}`);
  const left = refusal.problems.length - limits.problems;
  if (left > 0) lines.push(`  and ${left} more`);
  lines.push("", `Request ${oneLine(request, 64)}`);
  return lines.join("\n");
}

/** The same as one warning, for mode audit. */
export function refusalWarning(refusal: Refusal): string {
  const problem = refusal.problems[0];
  const words = `[${refusal.code}] deny mode would refuse: ${messageCodes[refusal.code].title}`;
  return oneLine(problem === undefined ? words : `${words}: ${problem}`, warningLength);
}
