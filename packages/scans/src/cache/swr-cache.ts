import { LRUCache } from "lru-cache";
import type { Awaitable } from "../awaitable.ts";

/** How long a value serves, in milliseconds since it was loaded. */
export interface Terms {
  /** As it is. */
  freshMs: number;
  /** While it is loaded again behind the answer. At least `freshMs`. */
  usableMs: number;
}

/** What a cache is told of its values, about which it knows nothing by itself. */
export interface SwrCacheOptions<V> {
  /** By the value, so that a failure can serve for a shorter time than an answer. */
  terms: (value: V) => Terms;
  /** Bytes of one value, an estimate. */
  bytes: (value: V) => number;
  /** Bytes of all values and of what they share. A value of more than a quarter of it is given and not held. */
  maxBytes: number;
  /** Whether `fresh` is no answer, so that `held` serves on for as long as it may. */
  keep?: (held: V, fresh: V) => boolean;
  /** Before a value is held, and after it no longer is: for what values share. */
  admit?: (value: V) => V;
  release?: (value: V) => void;
  /** Bytes that values share, counted besides their own. */
  sharedBytes?: () => number;
  /** Milliseconds of a clock that never goes back: with one that does, what is held would serve for too long. */
  clock: () => number;
  /** Longest that one load may take, whoever waits for it. @default 60000 */
  budgetMs?: number | undefined;
  /** Told of each `get`; see `ScanMetrics.cache` for what the words say. */
  observe?: (outcome: "hit" | "stale" | "joined" | "miss") => void;
  /** After a load, when other values may be held than before. */
  changed?: () => void;
}

/** Values by key, each loaded once however many ask for it at the same time. */
export interface SwrCache<V> {
  /** At once where it is held. `load` never fails: a failure is a value, with terms of its own. */
  get(key: string, load: (signal: AbortSignal) => Awaitable<V>): Awaitable<V>;
  /** What is held, fresh or not. */
  peek(key: string): V | undefined;
  readonly entries: number;
  readonly bytes: number;
}

interface Entry<V> {
  value: V;
  bytes: number;
  /** When it was loaded. */
  since: number;
  /** Moves on when a reload brought no answer. */
  freshUntil: number;
}

/** How soon a reload is tried again that brought no answer. */
const retryMs = 10_000;

/**
 * A cache by key with stale-while-revalidate, one load in flight for each key, and a bound in bytes. A load does not
 * end with the caller who started it: the others, and the next, wait for the same one.
 */
export function createSwrCache<V>(options: SwrCacheOptions<V>): SwrCache<V> {
  const { terms, clock, maxBytes } = options;
  const admit = options.admit ?? ((value: V) => value);
  const sharedBytes = options.sharedBytes ?? (() => 0);
  const inFlight = new Map<string, Promise<V>>();
  const held = new LRUCache<string, Entry<V>>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes }) => Math.max(1, Math.ceil(bytes)),
    dispose: ({ value }) => options.release?.(value),
  });

  function store(key: string, value: V): V {
    const before = held.peek(key);
    const at = clock();
    if (before !== undefined && options.keep?.(before.value, value) === true) {
      if (at < before.since + terms(before.value).usableMs) {
        before.freshUntil = at + retryMs;
        return before.value;
      }
    }
    const { freshMs } = terms(value);
    const sharedBefore = sharedBytes();
    const shared = admit(value);
    const bytes = options.bytes(shared);
    if (bytes + sharedBytes() - sharedBefore > maxBytes / 4) {
      // One value must not push all the others out; it is loaded again when asked for again.
      options.release?.(shared);
      held.delete(key);
      return value;
    }
    held.set(key, { value: shared, bytes, since: at, freshUntil: at + freshMs });
    while (held.size > 1 && held.calculatedSize + sharedBytes() > maxBytes) held.pop();
    return shared;
  }

  function start(key: string, load: (signal: AbortSignal) => Awaitable<V>): Promise<V> {
    const run = async () => {
      const stored = store(key, await load(AbortSignal.timeout(options.budgetMs ?? 60_000)));
      options.changed?.();
      return stored;
    };
    const work = run().finally(() => inFlight.delete(key));
    inFlight.set(key, work);
    return work;
  }

  return {
    get(key, load) {
      const entry = held.get(key);
      const at = clock();
      if (entry !== undefined && at < entry.freshUntil) {
        options.observe?.("hit");
        return entry.value;
      }
      const usable = entry !== undefined && at < entry.since + terms(entry.value).usableMs;
      const running = inFlight.get(key);
      if (usable) {
        options.observe?.("stale");
        // A load that rejects is a mistake in `load`; the next caller without a held value will meet it.
        if (running === undefined) start(key, load).catch(() => undefined);
        return entry.value;
      }
      options.observe?.(running === undefined ? "miss" : "joined");
      return running ?? start(key, load);
    },
    peek: (key) => held.peek(key)?.value,
    get entries() {
      return held.size;
    },
    get bytes() {
      return held.calculatedSize + sharedBytes();
    },
  };
}
