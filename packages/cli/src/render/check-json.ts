/** `gatehouse check --output json`. */
import { codeOf, denialMessage, leadingCode, warnings, type ImageDecision } from "@gatehouse/policy";
import type { Judged } from "../judge.ts";
import type { Checked } from "./checked.ts";

/** One document: what was judged by, each object with its images, rules and findings, and what could not be read. */
export function checkJson(checked: Checked): string {
  const { judged, problems, policyHash, mode, now, policy } = checked;
  return `${JSON.stringify(
    {
      version: 1,
      mode,
      policyHash,
      judgedAt: new Date(now).toISOString(),
      exemptionHelp: policy.exemptionHelp,
      objects: judged.map((one) => objectOf(one, checked)),
      problems,
    },
    undefined,
    2,
  )}\n`;
}

function objectOf(one: Judged, { policy }: Checked): object {
  const { manifest, object } = one;
  const at = { file: manifest.file, document: manifest.document, line: manifest.line, ...object };
  if (one.verdict === "not-judged") return { ...at, action: null, reason: one.reason };
  if (one.verdict === "refused") {
    const { action, refusal, problems } = one;
    const placed = problems.map((problem) => ({ ...problem, line: manifest.lineOf(problem.path) }));
    return { ...at, action, inDenyMode: "deny", code: refusal.code, problems: placed };
  }
  const { ruling, subject, open } = one;
  return {
    ...at,
    action: ruling.action,
    inDenyMode: ruling.inDenyMode,
    code: leadingCode(ruling) ?? null,
    couldNotTell: open,
    message:
      ruling.action === "deny" ? denialMessage({ ruling, subject, policy }) : warnings(ruling).join("\n"),
    images: ruling.images.map((image) => imageOf(image, manifest.lineOf(image.paths[0] ?? ""))),
    exemptions: ruling.exemptions,
  };
}

/** The decision as it is, with the line of the image and the code of each rule that asks for something. */
function imageOf(image: ImageDecision, line: number): object {
  return {
    ...image,
    line,
    rules: image.rules.map((result) =>
      result.outcome === "allow" ? result : { ...result, code: codeOf(image, result) },
    ),
  };
}
