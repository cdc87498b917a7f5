import type { Finding, Instant } from "./finding.ts";

/**
 * What is known of an image's scan.
 *
 * - `complete`: a scan ended and its result was read whole. The only state in which no findings means clean.
 * - `pending`: asked for or under way; also a report without proof that a scan ended.
 * - `partial`: read in part only (a layer, a package type or a page is missing).
 * - `failed`: the scanner gave up.
 * - `unsupported`: nothing that we ask can scan this image (registry, operating system, media type).
 * - `absent`: the source answered and has no scan of this image.
 * - `stale`: a scan ended, but it is older than the source or its terms allow.
 * - `unavailable`: the look-up itself did not answer.
 */
export const scanStates = [
  "complete",
  "pending",
  "partial",
  "failed",
  "unsupported",
  "absent",
  "stale",
  "unavailable",
] as const;
/** One of {@link scanStates}. */
export type ScanState = (typeof scanStates)[number];

/** Every state that a deny rule must name an action for. */
export type IncompleteState = Exclude<ScanState, "complete">;
/** All states but `complete`. */
export const incompleteStates = scanStates.filter((state) => state !== "complete") as IncompleteState[];

/** Who vouches for a report. */
export type ReportTrust =
  /** The registry's or cloud's own interface gave it over an authenticated connection. */
  | { kind: "source" }
  /** A signature verified against an identity that the source names. */
  | { kind: "signed"; identity: string }
  /** Nobody: `allowUnsigned: true` let it in. */
  | { kind: "unsigned" };

/** One scan's result for one image of one platform. */
export interface ScanReport {
  state: ScanState;
  /** One line: why the state is what it is. Required in spirit for every state but `complete`. */
  reason?: string;
  /** Name of the source that gave it. */
  source: string;
  trust: ReportTrust;
  scanner?: { name: string; version?: string; databaseUpdatedAt?: Instant };
  /** When the scan ended: the proof without which no report is complete. */
  scannedAt?: Instant;
  findings: readonly Finding[];
  /** Findings that the scanner or a signed VEX referrer has ruled out, with the reason; never counted. */
  ruledOut?: readonly { id: string; reason: string }[];
}

/** An operating system and architecture, `linux/amd64` or `linux/arm64/v8`. */
export type Platform = string;

/** A report about one platform's image. */
export interface PlatformScan {
  /** Absent when the image is not an index and names no platform. */
  platform?: Platform;
  /** Digest of the platform's own manifest; equals the image's digest when there is no index. */
  digest?: string;
  /** When the image was built or pushed, for `imageAge`. */
  createdAt?: Instant;
  report: ScanReport;
}

/**
 * What is known of one image reference: what it resolved to, and a scan for each platform that the cluster can
 * schedule. `platforms` is never empty: a look-up that failed has one entry whose state says so.
 */
export interface ImageScan {
  /** `sha256:…` of the index or manifest that the reference names now; absent when it could not be resolved. */
  digest?: string;
  platforms: readonly PlatformScan[];
}

/** Scans by image reference as written. A reference that is missing counts as `unavailable`. */
export type Scans = ReadonlyMap<string, ImageScan>;

/** An `ImageScan` for an image about which nothing could be learned. */
export function unscanned(
  state: IncompleteState,
  reason: string,
  source: string,
  digest?: string,
): ImageScan {
  const report = unscannedReport(state, reason, source);
  return digest === undefined ? { platforms: [{ report }] } : { digest, platforms: [{ digest, report }] };
}

/** A report that says only why there is none. */
export function unscannedReport(state: IncompleteState, reason: string, source: string): ScanReport {
  return { state, reason, source, trust: { kind: "source" }, findings: [] };
}
