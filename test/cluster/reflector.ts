/**
 * Keeps a copy of a collection of the API server: lists, watches, and lists again when the watch cannot go on.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "./api.ts";

interface Listed {
  readonly metadata?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** The copy, by UID, and its upkeep. */
export interface Reflector<T> {
  readonly items: ReadonlyMap<string, T>;
  /** Resolves after the first list. */
  readonly synced: Promise<void>;
  /** Resolves when the upkeep has ended, after `signal` aborted. */
  readonly ended: Promise<void>;
}

/** What happened to an object. `previous` is the last state known before a change or deletion. */
export type Change<T> = { readonly type: "added" | "changed" | "deleted"; readonly object: T };

/** Follows the collection at `path`, such as `/api/v1/pods`, until `signal` aborts. */
export function reflect<T extends Listed>(
  api: ApiClient,
  path: string,
  onChange: (change: Change<T>) => void,
  signal: AbortSignal,
): Reflector<T> {
  const items = new Map<string, T>();
  const first = Promise.withResolvers<void>();

  /** A listener that throws is a fault of this program: it ends the process rather than be taken for a broken watch. */
  function tell(change: Change<T>): void {
    try {
      onChange(change);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  function keep(object: T): void {
    const uid = object.metadata?.uid ?? "";
    const known = items.get(uid);
    if (known?.metadata?.resourceVersion === object.metadata?.resourceVersion && known !== undefined) return;
    items.set(uid, object);
    tell({ type: known === undefined ? "added" : "changed", object });
  }

  function drop(object: T): void {
    if (items.delete(object.metadata?.uid ?? "")) tell({ type: "deleted", object });
  }

  async function round(): Promise<void> {
    const list = await api.get<{ metadata: { resourceVersion: string }; items: T[] }>(path);
    const present = new Set(list.items.map((item) => item.metadata?.uid));
    for (const [uid, item] of items) if (!present.has(uid)) drop(item);
    for (const item of list.items) keep(item);
    first.resolve();
    let version = list.metadata.resourceVersion;
    for (;;) {
      const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${version}`;
      for await (const { type, object } of api.watch(`${path}?${query}`, signal)) {
        if (type === "ERROR") return;
        version = (object as Listed).metadata?.resourceVersion ?? version;
        if (type === "DELETED") drop(object as T);
        else if (type !== "BOOKMARK") keep(object as T);
      }
    }
  }

  async function upkeep(): Promise<void> {
    while (!signal.aborted) {
      await round().catch(() => undefined);
      await sleep(200, undefined, { signal }).catch(() => undefined);
    }
  }
  return { items, synced: first.promise, ended: upkeep() };
}
