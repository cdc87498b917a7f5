import { unscannedReport, type ImageScan, type Platform, type PlatformScan } from "@gatehouse/policy";
import { platformFits, takenFrom } from "./platforms.ts";
import type { ResolvedImage } from "./source.ts";

type Children = ResolvedImage["platforms"];

/** What was selected of an image last, for which platforms: images and the cluster's platforms seldom change. */
const selections = new WeakMap<ResolvedImage, { of: readonly Platform[]; children: Children }>();

/** The children that the cluster can schedule. A runtime also takes a child that names no platform. */
export function selectChildren(image: ResolvedImage, platforms: readonly Platform[]): Children {
  const known = selections.get(image);
  if (known?.of === platforms) return known.children;
  const children = select(image, platforms);
  selections.set(image, { of: platforms, children });
  return children;
}

/**
 * Whether a runtime, or a scanner that is given the index, may take another of its entries for this child's platform:
 * the same one again, another variant, another build of Windows, or an entry that names none. What was scanned is then
 * anybody's guess, and the index's author would see to it that it is the clean one.
 */
export function isAmbiguous({ platforms }: ResolvedImage, child: Children[number]): boolean {
  let ambiguous = ambiguities.get(child);
  if (ambiguous === undefined) {
    ambiguous = platforms.some((other) => other.digest !== child.digest && mayStandFor(other, child));
    ambiguities.set(child, ambiguous);
  }
  return ambiguous;
}
const ambiguities = new WeakMap<Children[number], boolean>();

function mayStandFor({ platform: one }: Children[number], { platform: other }: Children[number]): boolean {
  return one === undefined || other === undefined || platformFits(one, other) || platformFits(other, one);
}

function select(image: ResolvedImage, platforms: readonly Platform[]): Children {
  const [only] = image.platforms;
  // Not known yet where it may run: anywhere.
  if (platforms.length === 0) return image.platforms;
  if (image.fromReports === true)
    return withoutReport(image.platforms, platforms).map((one) => ({ digest: image.digest, ...one }));
  // A plain manifest runs wherever it is sent; runtimes compare platforms in an index only.
  if (image.platforms.length === 1 && only?.digest === image.digest) return image.platforms;
  return takenFrom(image.platforms, platforms);
}

/** A scan found by tag alone, for the platforms that the cluster can schedule. */
export function selectScans(scan: ImageScan, platforms: readonly Platform[], source: string): PlatformScan[] {
  return withoutReport(scan.platforms, platforms).map((one) =>
    "report" in one
      ? one
      : { ...one, report: unscannedReport("absent", `no report is about ${one.platform}`, source) },
  );
}

/**
 * What reports speak of and the cluster can schedule, and each wanted platform that no report speaks of: the image may
 * have it, and a report about another platform is none about this one.
 */
function withoutReport<T extends { platform?: Platform }>(
  known: readonly T[],
  wanted: readonly Platform[],
): (T | { platform: Platform })[] {
  if (wanted.length === 0) return [...known];
  const taken = takenFrom(known, wanted);
  if (taken.some(({ platform }) => platform === undefined)) return taken;
  const left = wanted.filter((one) => takenFrom(taken, [one]).length === 0);
  return [...taken, ...left.map((platform) => ({ platform }))];
}
