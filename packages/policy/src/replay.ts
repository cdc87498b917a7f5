/** Judges what a snapshot recorded once more, offline, by the same `decide`. Pure. */
import { claimedTag } from "./claimed-tag.ts";
import { applyMode, decide } from "./decide.ts";
import type { Ruling } from "./decision.ts";
import { impact } from "./impact.ts";
import { formatRepository, parseImageReference } from "./image-reference.ts";
import type { Impact, ImpactSubject, Regime } from "./impact-model.ts";
import type { Outcome } from "./model.ts";
import { InvalidInputError } from "./problems.ts";
import type { ImageScan, Platform, PlatformScan, Scans } from "./scan.ts";
import { askedLabelKeys } from "./snapshot-labels.ts";
import type { Snapshot } from "./read-snapshot.ts";
import type { Review, ReviewedImage } from "./snapshot.ts";

/** A decision that comes out otherwise than it was recorded. */
export interface ReplayDifference {
  id: string;
  /** When it was judged at admission. */
  at: string;
  /** `namespace/Kind/name` of the top owner. */
  owner: string;
  /** The same of the object. */
  object: string;
  was: Outcome;
  is: Outcome;
  /** Rules that ask for the stricter of both. */
  rules: readonly string[];
  /** Whether the snapshot has not the reports by which it was judged, so that they may be why. */
  otherReports: boolean;
  /** Whether it was not the policy and mode of the snapshot that judged it, but earlier ones. */
  otherPolicy: boolean;
}

/** What came of judging a snapshot again. */
export interface Replayed {
  reviews: number;
  /** Reviews for which the snapshot has other reports than those they were judged by, or none. */
  otherReports: number;
  differences: readonly ReplayDifference[];
  impact: Impact;
}

/** By what it is judged. */
export interface ReplayOptions extends Regime {
  /** The moment of every decision, in milliseconds; absent: each when it was made, and the impact when it was taken. */
  at?: number;
}

/**
 * Judges all that a snapshot has, and says what comes out otherwise.
 *
 * @throws InvalidInputError when the policy asks for labels that the snapshot does not keep
 */
export function replay(snapshot: Snapshot, { at, ...after }: ReplayOptions): Replayed {
  const { head } = snapshot;
  const missing = askedLabelKeys(after.policy).filter((key) => !head.labels.includes(key));
  if (missing.length > 0)
    throw new InvalidInputError("GH3007", "the snapshot", [
      {
        path: "labels",
        problem: `expected the labels that the policy asks for, got none of ${missing.join(", ")}; record it again with ${missing.map((key) => `--label ${key}`).join(" ")}`,
      },
    ]);
  const differences: ReplayDifference[] = [];
  let otherReports = 0;
  for (const review of snapshot.reviews) {
    const { scans, others } = scansOf(review, snapshot);
    if (others) otherReports++;
    const ruling = judgeAgain(review, scans, after, at ?? Date.parse(review.at));
    if (ruling.action !== review.action)
      differences.push({
        ...difference(review, ruling),
        otherReports: others,
        otherPolicy: review.policyHash !== head.policyHash || review.mode !== head.mode,
      });
  }
  const before: Regime = { policy: snapshot.policy, mode: head.mode, running: head.running };
  const now = at ?? Date.parse(head.takenAt);
  return {
    reviews: snapshot.reviews.length,
    otherReports,
    differences,
    impact: impact(before, after, impactSubjects(snapshot), now),
  };
}

function judgeAgain(review: Review, scans: Scans, { policy, mode, running }: Regime, at: number): Ruling {
  const { name } = review.subject.namespace;
  const onRecord = running?.filter(({ namespace }) => namespace === name);
  const subject = {
    ...review.subject,
    ...(onRecord === undefined ? {} : { running: onRecord }),
  };
  return applyMode(decide(policy, subject, scans, at), review.mirror === true ? "audit" : mode);
}

function difference(review: Review, ruling: Ruling): Omit<ReplayDifference, "otherReports" | "otherPolicy"> {
  const { subject } = review;
  const recorded = review.action === "deny" || ruling.action === "allow";
  const rules = recorded
    ? review.images.filter(({ outcome }) => outcome !== "allow").flatMap(({ rules: asking }) => asking)
    : ruling.images.flatMap((image) =>
        image.rules.filter(({ outcome }) => outcome === ruling.outcome).map(({ rule }) => rule),
      );
  return {
    id: review.id,
    at: review.at,
    owner: review.owner,
    object: `${subject.namespace.name}/${subject.object.kind}/${subject.object.name || subject.pod}`,
    was: review.action,
    is: ruling.action,
    rules: [...new Set(rules)].sort(),
  };
}

/** How a snapshot's scans are found: reference, and the platforms that it was looked up for. */
export function scanKey(reference: string, platforms: readonly Platform[]): string {
  return `${reference} ${platforms.join(",")}`;
}

/** What to look up to have the reports by which an image was judged; undefined when the review itself has all. */
export function reportsWanted(
  image: ReviewedImage,
): { reference: string; platforms: readonly Platform[] } | undefined {
  const parsed = parseImageReference(image.reference);
  if (!parsed.ok || image.platforms.every(({ findingCount }) => findingCount === 0)) return undefined;
  const platforms = [...new Set(image.platforms.flatMap(({ platform }) => platform ?? []))];
  const reference =
    image.digest === undefined ? image.reference : `${formatRepository(parsed.reference)}@${image.digest}`;
  return { reference, platforms };
}

function scansOf(review: Review, snapshot: Snapshot): { scans: Scans; others: boolean } {
  const scans = new Map<string, ImageScan>();
  let others = false;
  for (const image of review.images) {
    const wanted = reportsWanted(image);
    const known = wanted && snapshot.scans.get(scanKey(wanted.reference, wanted.platforms));
    // No rule asked about it then, so nobody looked it up; it stays unavailable for rules that ask now.
    if (image.platforms.length === 0) continue;
    const platforms = image.platforms.map((recorded): PlatformScan => {
      const { findingCount, ...scan } = recorded;
      if (findingCount === 0) return scan;
      const found = known?.platforms.find(
        ({ platform, digest }) => platform === recorded.platform && digest === recorded.digest,
      );
      if (found === undefined || !sameReport(recorded, found)) others = true;
      return found ?? { ...scan, report: { ...scan.report, state: "unavailable", reason: lost } };
    });
    const digest = image.digest === undefined ? {} : { digest: image.digest };
    scans.set(image.reference, { ...digest, platforms });
    const alone = image.tagConfirmed === true ? tagAlone(image.reference) : undefined;
    if (alone !== undefined) scans.set(alone, { ...digest, platforms });
  }
  return { scans, others };
}

function tagAlone(reference: string): string | undefined {
  const parsed = parseImageReference(reference);
  return parsed.ok ? claimedTag(parsed.reference) : undefined;
}

const lost = "the snapshot does not have this report";

function sameReport(recorded: ReviewedImage["platforms"][number], { report }: PlatformScan): boolean {
  return (
    report.state === recorded.report.state &&
    report.scannedAt === recorded.report.scannedAt &&
    report.findings.length === recorded.findingCount
  );
}

function impactSubjects({ workloads, scans }: Snapshot): ImpactSubject[] {
  return workloads.flatMap(({ owner, written: [subject, ...also], running, platforms }) => {
    if (subject === undefined) return [];
    const known = new Map<string, ImageScan>();
    for (const { images } of [subject, ...also, ...running])
      for (const reference of images.flatMap(({ reference: one }) => [one, tagAlone(one) ?? one])) {
        const scan = scans.get(scanKey(reference, platforms));
        if (scan !== undefined) known.set(reference, scan);
      }
    return [
      { owner, subject, also, scans: known, running: running.map((one) => ({ subject: one, scans: known })) },
    ];
  });
}
