import { createBackoff } from "./backoff.ts";
import type { Kube } from "./client.ts";
import { isKubeError, KubeError } from "./errors.ts";
import { createInventory, type Inventory, type InventoryHandlers } from "./inventory.ts";
import type { KubeObject } from "./objects.ts";
import type { ObjectRef } from "./paths.ts";
import type { Resource } from "./resources.ts";
import type { Selection } from "./verb-types.ts";

/** What an informer did, for metrics. */
export type InformerMetric =
  | { readonly type: "listed"; readonly objects: number; readonly milliseconds: number }
  | { readonly type: "watching" }
  | { readonly type: "event"; readonly event: "added" | "modified" | "deleted" | "bookmark" }
  | { readonly type: "waiting"; readonly milliseconds: number };

/** Arguments of {@link createInformer}. */
export interface InformerOptions<T extends KubeObject, V> extends Selection, InventoryHandlers<V> {
  readonly resource: Resource;
  /** Asks for `PartialObjectMetadata`: objects without spec and status. @default false */
  readonly metadataOnly?: boolean;
  /**
   * Keeps what is needed of an object, which is all that stays in memory. Undefined leaves the object out.
   * An error counts as one of that object: it is reported and the object's last value stays.
   */
  readonly transform: (object: T) => V | undefined;
  /** Called once, when the first list is complete and its objects were told. */
  readonly synced?: () => void;
  /** What went wrong. The informer goes on by itself; nothing is thrown. */
  readonly onError: (error: unknown) => void;
  readonly onMetric?: (metric: InformerMetric) => void;
  /** Objects a page of a list. @default 500 */
  readonly pageSize?: number;
  /** Ends the informer, as `stop` does. */
  readonly signal?: AbortSignal;
  /** @default the watch's */
  readonly idleMs?: number;
}

/** A running informer. */
export interface Informer<V> {
  get(ref: ObjectRef): V | undefined;
  values(): IterableIterator<V>;
  readonly size: number;
  /** True once a whole list has been told. */
  hasSynced(): boolean;
  /**
   * When we last knew to be up to date, in milliseconds since 1970: the last complete list, event or bookmark.
   * Undefined before the first list. A caller that must not trust old data compares it with the clock.
   */
  lastHeard(): number | undefined;
  /** Resolves when the first list is complete; rejects when the informer is stopped before. */
  readonly whenSynced: Promise<void>;
  /** Resolves when nothing runs any more. No callback is called afterwards. */
  stop(): Promise<void>;
}

/**
 * Lists, then watches, and goes on until stopped: a watch that ends is resumed where it was, one that is too old is
 * replaced by a new list, failures are waited out with growing, jittered pauses. Begins at once.
 */
export function createInformer<T extends KubeObject, V>(
  kube: Kube,
  options: InformerOptions<T, V>,
): Informer<V> {
  const { now, sleep, random } = kube.surroundings;
  const { resource, metadataOnly = false } = options;
  const stopping = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal;
  const backoff = createBackoff(random);
  const inventory: Inventory<T, V> = createInventory<T, V>(options);
  const first = Promise.withResolvers<void>();
  // Whoever does not wait for the first list shall not be ended by its rejection.
  first.promise.catch(() => undefined);
  let synced = false;
  let heard: number | undefined;
  let version: string | undefined;

  async function list(): Promise<string> {
    const started = now();
    const selection = { ...options, metadataOnly, limit: options.pageSize, signal, timeoutMs: 60_000 };
    let at = "";
    const seen = inventory.begin();
    for await (const page of kube.pages<T>(resource, selection)) {
      for (const item of page.items) seen.tell(item);
      at = page.resourceVersion;
    }
    seen.end();
    heard = now();
    options.onMetric?.({ type: "listed", objects: inventory.size(), milliseconds: now() - started });
    if (!synced) {
      synced = true;
      options.synced?.();
      first.resolve();
    }
    return at;
  }

  async function follow(from: string): Promise<void> {
    const { namespace, labelSelector, fieldSelector, idleMs } = options;
    const watching = kube.watch<T>(resource, {
      namespace,
      labelSelector,
      fieldSelector,
      idleMs,
      metadataOnly,
      resourceVersion: from,
      // Spread, so that the watches of many informers do not end together.
      timeoutSeconds: Math.round(240 + random() * 120),
      signal,
      onOpen: () => options.onMetric?.({ type: "watching" }),
    });
    for await (const event of watching) {
      if (signal.aborted) return;
      backoff.reset();
      heard = now();
      if (event.type === "deleted") inventory.remove(event.object);
      else if (event.type !== "bookmark") inventory.tell(event.object);
      version = event.resourceVersion;
      options.onMetric?.({ type: "event", event: event.type });
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const started = now();
      let atLeast = 0;
      try {
        version ??= await list();
        await follow(version);
        // A watch that lasted ended as agreed; one that ends at once must not become a busy loop.
        if (now() - started > 1000) {
          backoff.reset();
          continue;
        }
      } catch (error) {
        if (signal.aborted) break;
        const resumable = isKubeError(error) && !["gone", "invalid", "unexpected"].includes(error.code);
        if (!resumable) version = undefined;
        if (isKubeError(error)) atLeast = Math.min(error.retryAfterMs ?? 0, 60_000);
        if (!isKubeError(error, "gone")) options.onError(error);
      }
      const wait = backoff.next(atLeast);
      options.onMetric?.({ type: "waiting", milliseconds: wait });
      await sleep(wait, signal).catch(() => undefined);
    }
    const detail = "the informer was stopped before its first list was complete";
    first.reject(new KubeError({ code: "timeout", detail }));
  }

  const running = run();
  return {
    get: (ref) => inventory.get(ref),
    values: () => inventory.values(),
    get size() {
      return inventory.size();
    },
    hasSynced: () => synced,
    lastHeard: () => heard,
    whenSynced: first.promise,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
