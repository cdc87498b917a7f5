import {
  oneLine,
  parseImageReference,
  unscanned,
  type ImageReference,
  type ImageScan,
  type Instant,
  type IncompleteState,
  type Platform,
  type PlatformScan,
  type ScanReport,
} from "@gatehouse/policy";
import { RegistryError } from "./registry/errors.ts";
import type { ImageIdentity, ResolvedImage, ScanSource } from "./source.ts";
import { markStale } from "./stale.ts";
import { takenFrom } from "./platforms.ts";

/**
 * Everything known of the scans of one image reference. Never rejects. When the signal fires it answers
 * `unavailable` at once, with the digest where that is known already, while the look-up goes on: a retry finds it.
 * No platforms: every one that the image has.
 */
export type LookUp = (
  reference: string,
  options: { platforms: readonly Platform[]; signal: AbortSignal },
) => Promise<ImageScan>;

/** A source and the terms on which its reports count. */
export interface TermedSource {
  source: ScanSource;
  /** Scans older than this are stale: `24h`. */
  maxScanAge?: string | undefined;
}

/** Resolves references against registries. Rejects with `RegistryError`. */
export interface Resolver {
  /** Whether a source names this registry, so that it may be dialled at all. */
  names(registry: string): boolean;
  /** All platforms of what the reference names now. */
  resolve(reference: ImageReference, signal: AbortSignal): Promise<ResolvedImage>;
  /** When one platform's image was built; `undefined` when it does not say. */
  createdAt(image: ImageIdentity, signal: AbortSignal): Promise<Instant | undefined>;
}

export interface SourceLookUpOptions {
  /** In order of preference. */
  sources: readonly TermedSource[];
  /**
   * `first`: the report of the first source that has one; only `absent` and `unsupported` pass the question on.
   * `worst`: every source's report is judged by itself, and the worst verdict counts. @default "first"
   */
  combine?: "first" | "worst" | undefined;
  resolver?: Resolver | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Longest that a look-up goes on by itself. @default 60000 */
  budgetMs?: number | undefined;
}

/** What a look-up has learned so far, for the answer of a caller who cannot wait. */
interface Progress {
  digest?: string;
}

const nobody = "no source";

/** A look-up over sources that are there already; `createLookUp` builds them from configuration. */
export function createSourceLookUp(options: SourceLookUpOptions): LookUp {
  const { sources, resolver, now } = options;
  const budget = options.budgetMs ?? 60_000;

  async function look(
    reference: ImageReference,
    covering: readonly TermedSource[],
    platforms: readonly Platform[],
    signal: AbortSignal,
    progress: Progress,
  ): Promise<ImageScan> {
    const first = covering[0]?.source.name ?? nobody;
    let image: ResolvedImage | undefined;
    try {
      image = await resolve(reference, covering, signal);
    } catch (error) {
      return failed(error, first, reference.digest);
    }
    if (image === undefined) {
      for (const { source, maxScanAge } of covering) {
        const scan = await source.scanByTag?.(reference, signal);
        if (scan === undefined) continue;
        const fitting = withoutReport(scan.platforms, platforms).map((one): PlatformScan =>
          "report" in one ? one : { ...one, report: noneFor(source.name, one.platform) },
        );
        return withAge({ ...scan, platforms: fitting }, maxScanAge, now());
      }
      return unscanned("absent", `no source knows ${reference.original}`, first, reference.digest);
    }
    progress.digest = image.digest;
    const digest = image.digest;
    const wanted = select(image, platforms);
    if (wanted.length === 0) {
      const has = image.platforms.map(({ platform }) => platform ?? "?").join(", ");
      const reason = `the image has nothing for ${platforms.join(", ")}; it has ${oneLine(has, 200) || "no platform"}`;
      return unscanned("unsupported", reason, first, digest);
    }
    const scans = await Promise.all(
      wanted.map(async (child) => {
        const identity: ImageIdentity = {
          registry: reference.registry,
          repository: reference.repository,
          digest: child.digest,
          ...(child.platform === undefined ? {} : { platform: child.platform }),
          ...(child.digest === digest ? {} : { indexDigest: digest }),
        };
        const [reports, createdAt] = await Promise.all([
          ask(covering, identity, signal),
          child.createdAt ?? (child.digest === digest ? undefined : builtAt(identity, signal)),
        ]);
        const known = createdAt === undefined ? child : { ...child, createdAt };
        return reports.map((report): PlatformScan => ({ ...known, report }));
      }),
    );
    return { digest, platforms: scans.flat() };
  }

  /** The age of an image is no part of its scan: what cannot be read is unknown, and rules treat it so. */
  async function builtAt(image: ImageIdentity, signal: AbortSignal): Promise<Instant | undefined> {
    if (resolver?.names(image.registry) !== true) return undefined;
    return await resolver.createdAt(image, signal).catch(() => undefined);
  }

  async function resolve(
    reference: ImageReference,
    covering: readonly TermedSource[],
    signal: AbortSignal,
  ): Promise<ResolvedImage | undefined> {
    if (resolver?.names(reference.registry) === true) return await resolver.resolve(reference, signal);
    for (const { source } of covering) {
      const image = await source.resolve?.(reference, signal);
      if (image !== undefined) return image;
    }
    if (reference.digest === undefined) return undefined;
    return { digest: reference.digest, platforms: [{ digest: reference.digest }] };
  }

  async function ask(
    covering: readonly TermedSource[],
    identity: ImageIdentity,
    signal: AbortSignal,
  ): Promise<ScanReport[]> {
    const one = async ({ source, maxScanAge }: TermedSource): Promise<ScanReport> => {
      try {
        return markStale(await source.report(identity, signal), maxScanAge, now());
      } catch (error) {
        return failed(error, source.name).platforms[0]?.report ?? assertNever();
      }
    };
    if (options.combine === "worst") return await Promise.all(covering.map(one));
    let last: ScanReport | undefined;
    for (const source of covering) {
      last = await one(source);
      if (last.state !== "absent" && last.state !== "unsupported") break;
    }
    return last === undefined ? [] : [last];
  }

  return async (text, { platforms, signal }) => {
    const parsed = parseImageReference(text);
    if (!parsed.ok) return unscanned("unsupported", `invalid image reference: ${parsed.problem}`, nobody);
    const { reference } = parsed;
    const covering = sources.filter(({ source }) => source.covers(reference));
    if (covering.length === 0)
      return unscanned(
        "unsupported",
        `no source names the registry ${reference.registry}, so it is not asked`,
        nobody,
        reference.digest,
      );
    const progress: Progress = reference.digest === undefined ? {} : { digest: reference.digest };
    const name = covering[0]?.source.name ?? nobody;
    const work = look(reference, covering, platforms, AbortSignal.timeout(budget), progress).catch(
      (error: unknown) => failed(error, name, progress.digest),
    );
    return await Promise.race([
      work,
      whenAborted(signal).then(() =>
        unscanned(
          "unavailable",
          "the scan was not there in time; it is still being looked up",
          name,
          progress.digest,
        ),
      ),
    ]);
  };
}

/** The children that the cluster can schedule. A runtime also takes a child that names no platform. */
function select(image: ResolvedImage, platforms: readonly Platform[]): ResolvedImage["platforms"] {
  const [only] = image.platforms;
  // Not known yet where it may run: anywhere.
  if (platforms.length === 0) return image.platforms;
  if (image.fromReports === true)
    return withoutReport(image.platforms, platforms).map((one) => ({ digest: image.digest, ...one }));
  // A plain manifest runs wherever it is sent; runtimes compare platforms in an index only.
  if (image.platforms.length === 1 && only?.digest === image.digest) return image.platforms;
  return takenFrom(image.platforms, platforms);
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

function noneFor(source: string, platform: Platform): ScanReport {
  const [none = assertNever()] = unscanned("absent", `no report is about ${platform}`, source).platforms;
  return none.report;
}

function withAge(scan: ImageScan, maxScanAge: string | undefined, now: number): ImageScan {
  return {
    ...scan,
    platforms: scan.platforms.map((one) => ({ ...one, report: markStale(one.report, maxScanAge, now) })),
  };
}

/** A failed look-up as a scan state: what the registry said for sure, else `unavailable`. */
function failed(error: unknown, source: string, digest?: string): ImageScan {
  const reason = oneLine(error instanceof Error ? error.message : String(error), 300);
  return unscanned(stateOf(error), reason, source, digest);
}

/** The scan state of a failure. Only a registry's own "not found" is an answer; what it sent wrong is none. */
export function stateOf(error: unknown): IncompleteState {
  if (!(error instanceof RegistryError)) return "unavailable";
  if (error.code === "not-found") return "absent";
  return error.code === "unsupported" ? "unsupported" : "unavailable";
}

async function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function assertNever(): never {
  throw new Error("an unscanned image always has one platform");
}
