/** What the judge tells the observer of each admission it judged, so that it can be judged again: a CloudEvent. */
import * as z from "zod/mini";
import { isConfirmed } from "./claimed-tag.ts";
import type { EventInput } from "./event.ts";
import type { ImageDecision } from "./decision.ts";
import type { Scans } from "./scan.ts";
import { parseImageReference } from "./image-reference.ts";
import { portablePlatform, portableSubject } from "./snapshot-parts.ts";
import { reviewSchema, type Review, type ReviewedImage } from "./snapshot.ts";
import { ownerName } from "./subject.ts";

/** `type` of these events. They go to the observer alone, never to standard output. */
export const reviewEventType = "io.gatehouse.review.v1";

/** The form of these events. */
export const reviewEventSchema = z.strictObject({
  specversion: z.literal("1.0"),
  type: z.literal(reviewEventType),
  source: z.string(),
  id: z.string(),
  time: z.string(),
  data: z.strictObject({
    /** The same for the same owner, digests, verdict and policy. */
    key: z.string(),
    review: reviewSchema,
  }),
});
/** One of these events. */
export type ReviewEvent = z.infer<typeof reviewEventSchema>;

/** Builds the event, with all labels. Undefined for what was refused unread, which nobody can judge again. */
export function reviewEvent(input: EventInput, key: string): ReviewEvent | undefined {
  const { verdict, judged, mirror, policyHash, request } = input;
  if (!("ruling" in verdict) || judged === undefined) return undefined;
  const { ruling, scans } = verdict;
  const at = new Date(input.at).toISOString();
  const review: Review = {
    id: request.uid,
    at,
    owner: ownerName(judged),
    subject: portableSubject(judged, "all"),
    policyHash,
    mode: ruling.mode,
    ...(mirror === true ? { mirror: true } : {}),
    action: ruling.action,
    inDenyMode: ruling.inDenyMode,
    images: ruling.images.map((image) => reviewedImage(image, scans)),
  };
  return {
    specversion: "1.0",
    type: reviewEventType,
    source: `/judges/${encodeURIComponent(input.instance.toWellFormed())}`,
    id: request.uid,
    time: at,
    data: { key, review },
  };
}

function reviewedImage(image: ImageDecision, scans: Scans): ReviewedImage {
  const scan = scans.get(image.reference);
  const parsed = parseImageReference(image.reference);
  return {
    reference: image.reference,
    ...(image.digest === undefined ? {} : { digest: image.digest }),
    ...(parsed.ok && isConfirmed(parsed.reference, scans) ? { tagConfirmed: true } : {}),
    outcome: image.outcome,
    rules: image.rules.filter(({ outcome }) => outcome !== "allow").map(({ rule }) => rule),
    platforms: (scan?.platforms ?? []).map((platform) => {
      const { report, ...rest } = portablePlatform(platform, []);
      return { ...rest, report: { ...report, findings: [] }, findingCount: platform.report.findings.length };
    }),
  };
}
