/** What the judge reads of the cluster: namespaces' labels and objects' owners. Metadata only, cached for a short time. */
import { resourceOf, resources, type ObjectMeta, type OwnerReference, type Resource } from "@gatehouse/kube";
import type { Workload } from "@gatehouse/policy";
import { andThen, type Awaitable } from "@gatehouse/scans";
import { LRUCache } from "lru-cache";

/** Reads one object's metadata; undefined when there is none. Rejects when it cannot be told. */
export type ReadMetadata = (
  resource: Resource,
  ref: { name: string; namespace?: string },
) => Promise<Metadata | undefined>;

/** What is kept of an object: never its annotations or managed fields, which can be large. */
export type Metadata = Pick<ObjectMeta, "uid" | "labels" | "ownerReferences">;

/** The object whose top owner is asked for: what the requester wrote of itself. */
export interface Owned {
  kind: string;
  /** Name, or generateName while it has none. */
  name: string;
  namespace: string;
  uid?: string;
  ownerReferences: readonly OwnerReference[];
}

/** What of the cluster a verdict may depend on. That something cannot be told is an answer too. */
export interface Directory {
  /** Labels of a namespace; undefined when they cannot be told. At once where they are held. Never fails. */
  namespaceLabels(name: string): Awaitable<Readonly<Record<string, string>> | undefined>;
  /** The top owner by controller references, each proven by its UID. At once where all are held. Never fails. */
  topOwner(object: Owned): Awaitable<Workload>;
}

const namespaceTtlMs = 15_000;
const ownerTtlMs = 60_000;
/** How long a failure or an absence is remembered: long enough to spare the API server, short enough to heal. */
const failureTtlMs = 3_000;
/** Pod, ReplicaSet, Deployment and two more for owners of owners. */
const deepest = 5;
const entries = 10_000;

type Answer<T> = { known: true; value: T } | { known: false; reason: string };

/** A directory over a reader. One read per object is under way at a time, whoever asks. */
export function createDirectory(read: ReadMetadata): Directory {
  const cache = new LRUCache<string, Awaitable<Answer<Metadata | undefined>>>({
    max: entries,
    ttl: ownerTtlMs,
  });

  async function ask(
    resource: Resource,
    ref: { name: string; namespace?: string },
  ): Promise<Answer<Metadata | undefined>> {
    try {
      const value = await read(resource, ref);
      if (value === undefined) return { known: true, value };
      const { uid, labels, ownerReferences } = value;
      return { known: true, value: { uid, labels, ownerReferences } };
    } catch (error) {
      return { known: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  function cached(key: string, ttl: number, resource: Resource, ref: { name: string; namespace?: string }) {
    const known = cache.get(key);
    if (known) return known;
    const asked = ask(resource, ref).then((answer) => {
      // From now on it is given at once, for as long as it would have been.
      if (answer.known && answer.value !== undefined) cache.set(key, answer, { ttl, noUpdateTTL: true });
      else cache.set(key, answer, { ttl: failureTtlMs });
      return answer;
    });
    cache.set(key, asked, { ttl });
    return asked;
  }

  function controllerOf(
    owner: OwnerReference,
    namespace: string,
  ): Awaitable<Answer<OwnerReference | undefined>> {
    const what = `${owner.kind} ${owner.name}`;
    const resource = resourceOf(owner);
    // An owner lives in the same namespace, so that a reference never leads into another one.
    if (resource === undefined || !resource.namespaced)
      return {
        known: false,
        reason: `${what}: owners of kind ${owner.apiVersion} ${owner.kind} are not read`,
      };
    const key = `${namespace} ${owner.apiVersion} ${owner.kind} ${owner.name} ${owner.uid}`;
    return andThen(cached(key, ownerTtlMs, resource, { name: owner.name, namespace }), (answer) => {
      if (!answer.known) return { known: false, reason: `${what}: ${answer.reason}` };
      if (answer.value === undefined) return { known: false, reason: `${what}: there is no such object` };
      if (answer.value.uid !== owner.uid)
        return { known: false, reason: `${what}: there is one, but not with the uid of the reference` };
      return { known: true, value: controllerReference(answer.value.ownerReferences ?? []) };
    });
  }

  function above(controller: OwnerReference, namespace: string, depth: number): Awaitable<Workload> {
    if (depth === deepest) return { resolved: false, reason: `more than ${deepest} owners above each other` };
    return andThen(controllerOf(controller, namespace), (next): Awaitable<Workload> => {
      if (!next.known) return { resolved: false, reason: next.reason };
      if (next.value === undefined)
        return { resolved: true, kind: controller.kind, name: controller.name, uid: controller.uid };
      return above(next.value, namespace, depth + 1);
    });
  }

  return {
    namespaceLabels: (name) =>
      andThen(cached(`namespace ${name}`, namespaceTtlMs, resources.namespaces, { name }), (answer) =>
        answer.known && answer.value !== undefined ? (answer.value.labels ?? {}) : undefined,
      ),
    topOwner({ kind, name, namespace, uid, ownerReferences }) {
      const controller = controllerReference(ownerReferences);
      if (controller !== undefined) return above(controller, namespace, 0);
      return { resolved: true, kind, name, ...(uid === undefined ? {} : { uid }) };
    },
  };
}

/** The owner that manages the object; at most one reference may say so (apimachinery `GetControllerOf`). */
export function controllerReference(references: readonly OwnerReference[]): OwnerReference | undefined {
  return references.find((reference) => reference.controller === true);
}
