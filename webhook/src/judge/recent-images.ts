import { parseImageReference, type ImageScan, type ScanState } from "@gatehouse/policy";
import { andThen, type LookUp } from "@gatehouse/scans";

/** A judge's own record of what it was asked, which ends with its process. */
export interface RecentImages {
  /** The look-up to judge by: what it finds is remembered. */
  lookUp: LookUp;
  /** References by digest that were asked for lately, the oldest first. */
  images(): readonly string[];
}

/** What is remembered, and for how long. */
export interface RecentImagesOptions {
  /** The look-up whose answers are remembered. */
  lookUp: LookUp;
  /** Milliseconds since any fixed start. */
  now: () => number;
  /** How long an image is remembered after it was last asked for. @default 24 hours */
  forMs?: number | undefined;
  /** Most that are remembered; the ones asked for longest ago go first. @default 5000 */
  most?: number | undefined;
}

/** Share of the time for which images are remembered that counts as one moment. */
const sameTime = 0.001;

/** States whose reports serve for an hour. The others end within minutes, and keeping them warm would keep nothing. */
const lasting: ReadonlySet<ScanState> = new Set(["complete", "stale"]);

/**
 * Remembers which images a judge was asked about, so that its cache can be kept warm for them: a Pod that is scheduled
 * again hours later is then judged without waiting for a registry. By digest, for a tag that moves is looked up anyway.
 */
export function createRecentImages(options: RecentImagesOptions): RecentImages {
  const { lookUp, now } = options;
  const forMs = options.forMs ?? 24 * 60 * 60_000;
  const most = options.most ?? 5000;
  /** When each was asked for, in that order. */
  const seen = new Map<string, number>();

  function remember(image: string): void {
    const at = now();
    const before = seen.get(image);
    // A busy image would be moved to the end many times a second.
    if (before !== undefined && at - before < forMs * sameTime) return;
    seen.delete(image);
    seen.set(image, at);
    for (const oldest of seen.keys()) {
      if (seen.size <= most) break;
      seen.delete(oldest);
    }
  }

  return {
    lookUp: (reference, terms) =>
      andThen(lookUp(reference, terms), (scan) => {
        const image = byDigest(reference, scan);
        if (image !== undefined) remember(image);
        return scan;
      }),
    images() {
      const oldest = now() - forMs;
      for (const [image, at] of seen) {
        if (at > oldest) break;
        seen.delete(image);
      }
      return [...seen.keys()];
    },
  };
}

/** Undefined for an image without a report that is worth keeping. */
function byDigest(reference: string, { digest, platforms }: ImageScan): string | undefined {
  if (digest === undefined || !platforms.some(({ report }) => lasting.has(report.state))) return undefined;
  const parsed = parseImageReference(reference);
  if (!parsed.ok) return undefined;
  const { registry, repository } = parsed.reference;
  return `${registry}/${repository}@${digest}`;
}
