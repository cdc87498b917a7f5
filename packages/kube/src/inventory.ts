import type { KubeObject } from "./objects.ts";
import type { ObjectRef } from "./paths.ts";

/** Told of changes, in the order in which they happened. An error thrown is reported and changes nothing else. */
export interface InventoryHandlers<V> {
  readonly added?: (value: V) => void;
  readonly updated?: (value: V, old: V) => void;
  readonly deleted?: (old: V) => void;
}

/** A list being told. */
export interface Listing<T> {
  tell(object: T): void;
  /** The list is complete: what it did not name is gone. Not called when a list breaks off. */
  end(): void;
}

/** What is known of a kind's objects. */
export interface Inventory<T, V> {
  /** An object as it is now. The same version twice is told once. */
  tell(object: T): void;
  remove(object: T): void;
  begin(): Listing<T>;
  get(ref: ObjectRef): V | undefined;
  values(): IterableIterator<V>;
  size(): number;
}

interface Held<V> {
  readonly uid: string | undefined;
  readonly version: string | undefined;
  readonly value: V;
}

/** Arguments of {@link createInventory}. */
export interface InventoryOptions<T, V> extends InventoryHandlers<V> {
  /** Keeps what is needed of an object; undefined leaves it out. */
  readonly transform: (object: T) => V | undefined;
  readonly onError: (error: unknown) => void;
}

function keyOf(ref: ObjectRef): string {
  return `${ref.namespace ?? ""}/${ref.name}`;
}

/** An empty inventory. Holds only what `transform` kept. */
export function createInventory<T extends KubeObject, V>(options: InventoryOptions<T, V>): Inventory<T, V> {
  const held = new Map<string, Held<V>>();

  function guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      options.onError(error);
    }
  }

  function drop(key: string): void {
    const old = held.get(key);
    if (!old) return;
    held.delete(key);
    guard(() => options.deleted?.(old.value));
  }

  function tell(object: T): void {
    const key = keyOf(object.metadata);
    const { uid, resourceVersion: version } = object.metadata;
    const old = held.get(key);
    if (old && version !== undefined && old.version === version && old.uid === uid) return;
    let value: V | undefined;
    try {
      value = options.transform(object);
    } catch (error) {
      options.onError(error);
      return;
    }
    if (value === undefined) {
      drop(key);
      return;
    }
    const kept = value;
    // Another object under the same name, as after a deletion that nobody saw.
    const another = old !== undefined && old.uid !== uid;
    if (another) drop(key);
    held.set(key, { uid, version, value: kept });
    if (old && !another) guard(() => options.updated?.(kept, old.value));
    else guard(() => options.added?.(kept));
  }

  return {
    tell,
    remove: (object) => drop(keyOf(object.metadata)),
    begin() {
      const unseen = new Set(held.keys());
      return {
        tell(object) {
          unseen.delete(keyOf(object.metadata));
          tell(object);
        },
        end() {
          for (const key of unseen) drop(key);
        },
      };
    },
    get: (ref) => held.get(keyOf(ref))?.value,
    *values() {
      for (const { value } of held.values()) yield value;
    },
    size: () => held.size,
  };
}
