import { LRUCache } from "lru-cache";
import type { ImageReference, Instant } from "@gatehouse/policy";
import { andThen } from "../awaitable.ts";
import type { Resolver } from "../look-up.ts";
import type { ScanMetrics } from "../metrics.ts";
import { RegistryError, type RegistryErrorCode } from "../registry/errors.ts";
import type { Registries } from "../registry/registries.ts";
import { readCreatedAt, resolveImage } from "../registry/resolve.ts";
import type { ResolvedImage } from "../source.ts";
import { createSwrCache, type Terms } from "./swr-cache.ts";

type Outcome = { image: ResolvedImage } | { error: unknown };

const second = 1000;
const minute = 60 * second;
const brief = (ms: number): Terms => ({ freshMs: ms, usableMs: ms });

/** A tag may move at any time: it serves for as long as one roll-out's Pods take to arrive, never while reloading. */
const tagTerms = brief(10 * second);
/** A digest names the same bytes for ever; what ends is how long they are worth their memory. */
const digestTerms: Terms = brief(24 * 60 * minute);

/** How long a failure serves, by its kind. */
export const failureTerms: Readonly<Record<RegistryErrorCode | "other", Terms>> = {
  "not-found": brief(10 * second),
  unsupported: brief(5 * minute),
  malformed: brief(minute),
  mismatch: brief(30 * second),
  "too-large": brief(5 * minute),
  refused: brief(minute),
  denied: brief(20 * second),
  throttled: brief(2 * second),
  broken: brief(second),
  network: brief(3 * second),
  other: brief(3 * second),
};

/** Resolves references against registries, with what was found held by tag and by digest. */
export function createCachedResolver(options: {
  registries: Registries;
  /** Milliseconds of a clock that never goes back. */
  clock: () => number;
  budgetMs?: number | undefined;
  metrics?: ScanMetrics | undefined;
}): Resolver {
  const { registries, clock, metrics } = options;
  const created = new LRUCache<string, { at: Instant | undefined }>({ max: 20_000 });
  const images = createSwrCache<{ outcome: Outcome; byTag: boolean }>({
    terms: ({ outcome, byTag }) =>
      "error" in outcome ? failureTerms[codeOf(outcome.error)] : byTag ? tagTerms : digestTerms,
    bytes: ({ outcome }) => ("image" in outcome ? 500 + outcome.image.platforms.length * 300 : 1000),
    maxBytes: 16 * 1024 * 1024,
    clock,
    budgetMs: options.budgetMs,
    observe: (outcome) => metrics?.cache?.({ cache: "image", outcome }),
  });

  async function load(reference: ImageReference, signal: AbortSignal): Promise<Outcome> {
    const start = clock();
    try {
      const client = registries.client(reference.registry);
      return {
        image: (await confirmed(reference, signal)) ?? (await resolveImage(client, reference, signal)),
      };
    } catch (error) {
      const { registry } = reference;
      metrics?.unresolved?.({ registry, code: codeOf(error), seconds: (clock() - start) / 1000 });
      return { error };
    }
  }

  /**
   * A tag that was resolved before is asked for with HEAD: cheaper, and no pull by the registry's count. When the
   * digest it answers is one whose manifest was read and verified, that is what the tag names.
   */
  async function confirmed(
    reference: ImageReference,
    signal: AbortSignal,
  ): Promise<ResolvedImage | undefined> {
    const { registry, repository, tag, digest } = reference;
    if (digest !== undefined || tag === undefined) return undefined;
    const before = images.peek(`${registry}/${repository}:${tag}`)?.outcome;
    if (before === undefined || "error" in before) return undefined;
    const current = await registries.client(registry).tagDigest(repository, tag, signal);
    if (current === undefined) return undefined;
    if (current === before.image.digest) return before.image;
    const other = images.peek(`${registry}/${repository}@${current}`)?.outcome;
    return other !== undefined && "image" in other ? other.image : undefined;
  }

  return {
    names: (registry) => registries.names(registry),
    resolve(reference, _signal) {
      const { registry, repository, tag = "latest", digest } = reference;
      const byTag = digest === undefined;
      const key = `${registry}/${repository}${byTag ? `:${tag}` : `@${digest}`}`;
      const held = images.get(key, async (signal) => ({ outcome: await load(reference, signal), byTag }));
      return andThen(held, ({ outcome }) => {
        if ("error" in outcome) throw outcome.error;
        return outcome.image;
      });
    },
    createdAt({ registry, repository, digest }, signal) {
      const key = `${registry}/${repository}@${digest}`;
      const known = created.get(key);
      if (known !== undefined) return known.at;
      return readCreatedAt(registries.client(registry), repository, digest, signal).then((at) => {
        created.set(key, { at });
        return at;
      });
    },
  };
}

function codeOf(error: unknown): RegistryErrorCode | "other" {
  return error instanceof RegistryError ? error.code : "other";
}
