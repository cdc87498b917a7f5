import type { ImageReference, ImageScan, Instant, Platform, ScanReport } from "@gatehouse/policy";
import type { Awaitable } from "./awaitable.ts";

/** One image of one platform, by what it is and not by what it is called. */
export interface ImageIdentity {
  /** Registry host, `docker.io` for Docker Hub. */
  registry: string;
  repository: string;
  /** Digest of the platform's own manifest, or of the image when it is no index. */
  digest: string;
  platform?: Platform;
  /** Digest of the index that this platform's manifest stands in, where it came from one and the caller knows it. */
  indexDigest?: string;
  /** Other entries of the index may be taken for this platform, so that a report about the index may be about those. */
  ambiguous?: true;
}

/** Where scan reports come from: a cloud's interface, a registry's referrers, a folder. What is held is given at once. */
export interface ScanSource {
  readonly name: string;
  /** Whether it answers for this registry host (and repository). */
  covers(image: { registry: string; repository: string }): boolean;
  /** What a reference names now, for a source that knows it without asking a registry. undefined: it does not know. */
  resolve?(reference: ImageReference, signal: AbortSignal): Awaitable<ResolvedImage | undefined>;
  /**
   * Reports that name a reference by its tag alone, for a source that has no digest to go by and a caller that can
   * ask no registry for one. The result has no digest, so nothing can be pinned to it. undefined: it has none.
   */
  scanByTag?(reference: ImageReference, signal: AbortSignal): Awaitable<ImageScan | undefined>;
  /** The report about one image. Never fails: a failure is a report whose state says so. */
  report(image: ImageIdentity, signal: AbortSignal): Awaitable<ScanReport>;
  close?(): Promise<void>;
}

/** A reference resolved: an index has several platforms, a plain manifest one. */
export interface ResolvedImage {
  digest: string;
  /** The platforms are those that reports speak of; whether the image has others, nobody has looked. */
  fromReports?: true;
  platforms: readonly { platform?: Platform; digest: string; createdAt?: Instant }[];
}
