/**
 * What the gate says to whom it denies, made from plain data; `warnings.ts` has what it says in mode audit, `reasons.ts`
 * what both have in common. Whatever a requester or a scanner wrote passes through `oneLine` before it stands in a message.
 */
import type { ImageDecision, RuleResult, Ruling } from "./decision.ts";
import type { Finding } from "./finding.ts";
import { messageCodes, stateCodes, type MessageCode } from "./message-codes.ts";
import type { Policy } from "./model.ts";
import { because, codeOf, leadingCode, results, unknowns } from "./reasons.ts";
import { oneLine } from "./safe-text.ts";
import type { Subject } from "./subject.ts";

const limits = { images: 5, rules: 4, findings: 5, paths: 2, problems: 5 } as const;

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
