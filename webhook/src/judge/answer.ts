/** Answers to the API server, made of rulings. */
import {
  denialMessage,
  leadingCode,
  oneLine,
  warnings,
  type Policy,
  type Ruling,
  type Subject,
} from "@gatehouse/policy";
import type { AdmissionAnswer } from "./admission-review.ts";

/** The answer that a ruling comes to. */
export function answerOf(
  ruling: Ruling,
  subject: Subject,
  policy: Policy,
  policyHash: string,
): AdmissionAnswer {
  const auditAnnotations = annotations(ruling, policyHash);
  return ruling.action === "deny"
    ? { allowed: false, message: denialMessage({ ruling, subject, policy }), auditAnnotations }
    : { allowed: true, warnings: ruling.outcome === "allow" ? [] : warnings(ruling), auditAnnotations };
}

/** For the API server's audit log. Values are bounded; the event has the whole. */
function annotations(ruling: Ruling, policyHash: string): Record<string, string> {
  const base = { decision: ruling.action, policy: policyHash };
  if (ruling.outcome === "allow") return base;
  const asking = new Set<string>();
  for (const image of ruling.images) {
    for (const rule of image.rules) if (rule.outcome !== "allow") asking.add(rule.rule);
  }
  const images = ruling.images.map((image) =>
    image.digest === undefined || image.reference.endsWith(image.digest)
      ? image.reference
      : `${image.reference}@${image.digest}`,
  );
  return {
    ...base,
    "in-deny-mode": ruling.inDenyMode,
    code: leadingCode(ruling) ?? "",
    rules: oneLine([...asking].join(","), 1024),
    images: oneLine(images.join(","), 2048),
  };
}
