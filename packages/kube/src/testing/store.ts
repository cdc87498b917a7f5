import { randomUUID } from "node:crypto";
import type { KubeObject } from "../objects.ts";
import { apiVersionOf, type Resource } from "../resources.ts";
import type { FieldOwners } from "./merge.ts";

/** One change, with the object before and after; a deletion keeps the last state under a new version. */
export interface Change {
  readonly version: number;
  readonly resource: Resource;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

interface Entry {
  readonly object: KubeObject;
  readonly owners: FieldOwners;
}

/** Objects in memory with versions and a history, as etcd keeps them. */
export interface Store {
  version(): number;
  /** Changes after this version, or undefined when they are no longer kept. */
  since(version: number): readonly Change[] | undefined;
  subscribe(listener: (change: Change) => void): () => void;
  /** Forgets the history. */
  compact(): void;
  find(resource: Resource, namespace: string | undefined, name: string): Entry | undefined;
  all(resource: Resource, namespace?: string): readonly KubeObject[];
  /** Writes the object under a new version; fills in uid, time and generation. */
  write(resource: Resource, object: KubeObject, owners: FieldOwners, dryRun: boolean): KubeObject;
  remove(resource: Resource, object: KubeObject): void;
}

function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  return JSON.stringify([resource.group, resource.plural, namespace ?? "", name]);
}

function content(object: KubeObject): string {
  return JSON.stringify({ ...object, metadata: undefined, status: undefined });
}

/** An empty store. */
export function createStore(now: () => number): Store {
  const entries = new Map<string, Entry & { readonly resource: Resource }>();
  const listeners = new Set<(change: Change) => void>();
  let history: Change[] = [];
  // Not 1, so that a test cannot mistake a version for a count.
  let version = 1000;
  let compacted = 0;

  function publish(change: Change): void {
    history.push(change);
    for (const listener of listeners) listener(change);
  }

  return {
    version: () => version,
    since: (from) => (from < compacted ? undefined : history.filter((change) => change.version > from)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    compact() {
      version += 1;
      compacted = version;
      history = [];
    },
    find: (resource, namespace, name) => entries.get(keyOf(resource, namespace, name)),
    all: (resource, namespace) =>
      [...entries.entries()]
        .filter(
          ([, entry]) => entry.resource.plural === resource.plural && entry.resource.group === resource.group,
        )
        .filter(([, entry]) => namespace === undefined || entry.object.metadata.namespace === namespace)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, entry]) => entry.object),
    write(resource, object, owners, dryRun) {
      const { name, namespace } = object.metadata;
      const key = keyOf(resource, namespace, name);
      const before = entries.get(key)?.object;
      const old = before?.metadata;
      const changed = before === undefined || content(before) !== content(object);
      const after: KubeObject = {
        ...structuredClone(object),
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        metadata: {
          ...structuredClone(object.metadata),
          uid: old?.uid ?? object.metadata.uid ?? randomUUID(),
          creationTimestamp: old?.creationTimestamp ?? new Date(now()).toISOString().replace(/\.\d+/, ""),
          generation: (old?.generation ?? 0) + (changed ? 1 : 0),
          resourceVersion: old?.resourceVersion,
        },
      };
      // As in the real thing, a write that changes nothing makes no new version and no event.
      if (before && JSON.stringify(before) === JSON.stringify(after)) return before;
      if (dryRun) return after;
      version += 1;
      const stored = { ...after, metadata: { ...after.metadata, resourceVersion: String(version) } };
      entries.set(key, { object: stored, owners, resource });
      publish({ version, resource, before, after: stored });
      return stored;
    },
    remove(resource, object) {
      version += 1;
      entries.delete(keyOf(resource, object.metadata.namespace, object.metadata.name));
      const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
      publish({ version, resource, before: last, after: undefined });
    },
  };
}
