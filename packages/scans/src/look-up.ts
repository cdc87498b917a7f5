import {
  oneLine,
  parseImageReference,
  unscanned,
  type ImageReference,
  type ImageScan,
  type Instant,
  type Platform,
  type PlatformScan,
  type ScanReport,
} from "@gatehouse/policy";
import { allOf, andThen, orElse, type Awaitable } from "./awaitable.ts";
import { sharedBudget } from "./budget.ts";
import { failed, failedReport } from "./failed.ts";
import { isAmbiguous, selectChildren, selectScans } from "./selection.ts";
import type { ImageIdentity, ResolvedImage, ScanSource } from "./source.ts";
import { markStale } from "./stale.ts";
import { whenAborted } from "./when-aborted.ts";

/** On what terms a look-up is made. */
export interface LookUpTerms {
  /** Those that the cluster can schedule. None: every one that the image has. */
  platforms: readonly Platform[];
  /** When it fires the answer must be there. Read only where something has to be waited for. */
  readonly signal: AbortSignal;
}

/**
 * Everything known of the scans of one image reference: at once where all of it is held, else as a promise. Never
 * throws or rejects. When the signal fires it answers `unavailable`, with the digest where that is known already,
 * while the look-up goes on: a retry finds it.
 */
export type LookUp = (reference: string, terms: LookUpTerms) => Awaitable<ImageScan>;

/** A source and the terms on which its reports count. */
export interface TermedSource {
  source: ScanSource;
  /** Scans older than this are stale: `24h`. */
  maxScanAge?: string | undefined;
}

/** Resolves references against registries. Fails with `RegistryError`. */
export interface Resolver {
  /** Whether a source names this registry, so that it may be dialled at all. */
  names(registry: string): boolean;
  /** All platforms of what the reference names now. */
  resolve(reference: ImageReference, signal: AbortSignal): Awaitable<ResolvedImage>;
  /** When one platform's image was built; `undefined` when it does not say. */
  createdAt(image: ImageIdentity, signal: AbortSignal): Awaitable<Instant | undefined>;
}

/** What a look-up over finished sources is made of. */
export interface SourceLookUpOptions {
  /** In order of preference. */
  sources: readonly TermedSource[];
  /**
   * `first`: the report of the first source that has one; only `absent` and `unsupported` pass the question on.
   * `worst`: every source's report is judged by itself, and the worst verdict counts. @default "first"
   */
  combine?: "first" | "worst" | undefined;
  /** Asks registries what a reference names. Where it does not name the registry, the sources are asked. */
  resolver?: Resolver | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds of a clock that never goes back. @default performance.now */
  clock?: (() => number) | undefined;
  /** Longest that a look-up goes on by itself. @default 60000 */
  budgetMs?: number | undefined;
}

/** One look-up: what it is about, and what it has learned for the answer of a caller who cannot wait. */
interface Question {
  reference: ImageReference;
  covering: readonly TermedSource[];
  platforms: readonly Platform[];
  /** Of the first source. */
  name: string;
  digest: string | undefined;
}

const nobody = "no source";

/** A look-up over sources that are there already; `createLookUp` builds them from configuration. */
export function createSourceLookUp(options: SourceLookUpOptions): LookUp {
  const { sources, resolver, now } = options;
  const budget = sharedBudget(options.budgetMs ?? 60_000, options.clock ?? (() => performance.now()));

  /** By reference, of which the parser gives the same object for the same text. */
  const known = new WeakMap<ImageReference, readonly TermedSource[]>();
  function coveringOf(reference: ImageReference): readonly TermedSource[] {
    let covering = known.get(reference);
    if (covering === undefined) {
      covering = sources.filter(({ source }) => source.covers(reference));
      known.set(reference, covering);
    }
    return covering;
  }

  function look(question: Question): Awaitable<ImageScan> {
    return andThen(resolve(question.reference, question.covering, 0), (image) =>
      image === undefined ? byTag(question, 0) : ofImage(image, question),
    );
  }

  function resolve(
    reference: ImageReference,
    covering: readonly TermedSource[],
    from: number,
  ): Awaitable<ResolvedImage | undefined> {
    if (resolver?.names(reference.registry) === true) return resolver.resolve(reference, budget());
    const termed = covering[from];
    if (termed !== undefined)
      return andThen(
        termed.source.resolve?.(reference, budget()),
        (image) => image ?? resolve(reference, covering, from + 1),
      );
    if (reference.digest === undefined) return undefined;
    return { digest: reference.digest, platforms: [{ digest: reference.digest }] };
  }

  /** Where nobody can say what the tag names, whoever reports on the tag itself. */
  function byTag(question: Question, from: number): Awaitable<ImageScan> {
    const { reference, covering, platforms, name } = question;
    const termed = covering[from];
    if (termed === undefined)
      return unscanned("absent", `no source knows ${reference.original}`, name, reference.digest);
    const { source, maxScanAge } = termed;
    return andThen(source.scanByTag?.(reference, budget()), (scan) => {
      if (scan === undefined) return byTag(question, from + 1);
      return withAge({ ...scan, platforms: selectScans(scan, platforms, source.name) }, maxScanAge, now());
    });
  }

  function ofImage(image: ResolvedImage, question: Question): Awaitable<ImageScan> {
    const { reference, covering, platforms, name } = question;
    const { digest } = image;
    question.digest = digest;
    const wanted = selectChildren(image, platforms);
    if (wanted.length === 0) {
      const has = image.platforms.map(({ platform }) => platform ?? "?").join(", ");
      const reason = `the image has nothing for ${platforms.join(", ")}; it has ${oneLine(has, 200) || "no platform"}`;
      return unscanned("unsupported", reason, name, digest);
    }
    const scans = wanted.map((child) => {
      const identity: ImageIdentity = {
        registry: reference.registry,
        repository: reference.repository,
        digest: child.digest,
      };
      if (child.platform !== undefined) identity.platform = child.platform;
      if (child.digest !== digest) {
        identity.indexDigest = digest;
        if (isAmbiguous(image, child)) identity.ambiguous = true;
      }
      // Both are asked for before either is waited for.
      const reports = ask(covering, identity);
      const createdAt = child.createdAt ?? (child.digest === digest ? undefined : builtAt(identity));
      return andThen(reports, (found) =>
        andThen(createdAt, (at) => {
          const known = at === undefined || at === child.createdAt ? child : { ...child, createdAt: at };
          return found.map((report): PlatformScan => ({ ...known, report }));
        }),
      );
    });
    return andThen(allOf(scans), (all) => ({ digest, platforms: all.flat() }));
  }

  /** The age of an image is no part of its scan: what cannot be read is unknown, and rules treat it so. */
  function builtAt(image: ImageIdentity): Awaitable<Instant | undefined> {
    if (resolver?.names(image.registry) !== true) return undefined;
    return orElse<Instant | undefined>(
      () => resolver.createdAt(image, budget()),
      () => undefined,
    );
  }

  function ask(covering: readonly TermedSource[], identity: ImageIdentity): Awaitable<ScanReport[]> {
    if (options.combine === "worst") return allOf(covering.map((termed) => reportOf(termed, identity)));
    return firstOf(covering, identity, 0);
  }

  function firstOf(
    covering: readonly TermedSource[],
    identity: ImageIdentity,
    from: number,
  ): Awaitable<ScanReport[]> {
    const termed = covering[from];
    if (termed === undefined) return [];
    return andThen(reportOf(termed, identity), (report) =>
      from + 1 < covering.length && (report.state === "absent" || report.state === "unsupported")
        ? firstOf(covering, identity, from + 1)
        : [report],
    );
  }

  function reportOf({ source, maxScanAge }: TermedSource, identity: ImageIdentity): Awaitable<ScanReport> {
    return orElse(
      () => andThen(source.report(identity, budget()), (report) => markStale(report, maxScanAge, now())),
      (error) => failedReport(error, source.name),
    );
  }

  return (text, terms) => {
    const parsed = parseImageReference(text);
    if (!parsed.ok) return unscanned("unsupported", `invalid image reference: ${parsed.problem}`, nobody);
    const { reference } = parsed;
    const covering = coveringOf(reference);
    const name = covering[0]?.source.name;
    if (name === undefined)
      return unscanned(
        "unsupported",
        `no source names the registry ${reference.registry}, so it is not asked`,
        nobody,
        reference.digest,
      );
    const { digest } = reference;
    const question: Question = { reference, covering, platforms: terms.platforms, name, digest };
    const scan = orElse(
      () => look(question),
      (error) => failed(error, name, question.digest),
    );
    return scan instanceof Promise ? inTime(scan, terms.signal, question) : scan;
  };
}

async function inTime(work: Promise<ImageScan>, signal: AbortSignal, question: Question): Promise<ImageScan> {
  return await Promise.race([
    work,
    whenAborted(signal).then(() =>
      unscanned(
        "unavailable",
        "the scan was not there in time; it is still being looked up",
        question.name,
        question.digest,
      ),
    ),
  ]);
}

function withAge(scan: ImageScan, maxScanAge: string | undefined, now: number): ImageScan {
  return {
    ...scan,
    platforms: scan.platforms.map((one) => ({ ...one, report: markStale(one.report, maxScanAge, now) })),
  };
}
