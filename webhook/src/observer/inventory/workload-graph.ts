/** Which objects belong together: each to its top owner, found by UID. */
import { judgedKind, type Workload } from "@gatehouse/policy";
import type { Controller, Held } from "./held.ts";

/** A top owner and all that belongs to it. */
export interface OwnedWorkload {
  /** Unique and stable: UID of the top owner, or what a reference says of one that is not here. */
  readonly key: string;
  /** `namespace/Kind/name`. */
  readonly owner: string;
  readonly namespace: string;
  /** As scopes see it. */
  readonly workload: Workload;
  /** Objects that the gate judges when somebody creates them: the owner itself, Pods and others that nobody judged owns. */
  readonly written: ReadonlyMap<string, Held>;
  /** Pods that it runs, those of `written` included, by UID. */
  readonly pods: ReadonlyMap<string, Held>;
}

/** Objects and their workloads, kept in step. */
export interface WorkloadGraph {
  put(held: Held): void;
  remove(uid: string): void;
  get(key: string): OwnedWorkload | undefined;
  values(): IterableIterator<OwnedWorkload>;
  readonly size: number;
}

/** Kinds whose names their controllers make up: of no use to whoever is to recognise a workload. */
const madeUp = new Set(["Pod", "ReplicaSet", "Job"]);
/** Owners above each other that are followed, as at admission. */
const deepest = 5;

interface Group extends OwnedWorkload {
  readonly written: Map<string, Held>;
  readonly pods: Map<string, Held>;
}

type Place = Pick<OwnedWorkload, "key" | "owner" | "namespace" | "workload">;

/**
 * An empty graph.
 *
 * @param changed told of the key of every workload that was changed, made or removed
 */
export function createWorkloadGraph(changed: (key: string) => void): WorkloadGraph {
  const objects = new Map<string, Held>();
  const children = new Map<string, Set<string>>();
  const groups = new Map<string, Group>();
  const groupOf = new Map<string, string>();

  /** The owner that manages it, if it is here and is what the reference says it is. */
  function above(held: Held): Held | undefined {
    const { controller } = held;
    const owner = controller && objects.get(controller.uid);
    return owner?.namespace === held.namespace &&
      owner.kind === controller?.kind &&
      owner.name === controller.name
      ? owner
      : undefined;
  }

  function placeOf(held: Held): Place {
    let top = held;
    for (let depth = 0; depth < deepest; depth++) {
      const owner = above(top);
      if (owner === undefined) break;
      top = owner;
    }
    const { controller, namespace } = top;
    if (controller === undefined) {
      const { kind, name, uid } = top;
      return place(uid, namespace, top, { resolved: true, kind, name, uid });
    }
    const unresolved: Workload = { resolved: false, reason: whyUnresolved(controller) };
    if (!madeUp.has(top.kind)) return place(top.uid, namespace, top, unresolved);
    // Nobody vouches for the uid of a reference, so it must never be the key of a workload that is here.
    const { apiVersion, kind, name, uid } = controller;
    return place(JSON.stringify([namespace, apiVersion, kind, name, uid]), namespace, controller, unresolved);
  }

  function leave(uid: string): void {
    const key = groupOf.get(uid);
    const group = key === undefined ? undefined : groups.get(key);
    groupOf.delete(uid);
    if (group === undefined) return;
    group.written.delete(uid);
    group.pods.delete(uid);
    if (group.written.size === 0 && group.pods.size === 0) groups.delete(group.key);
    changed(group.key);
  }

  function enter(held: Held): void {
    const place = placeOf(held);
    let group = groups.get(place.key);
    // A place that is told anew (its owner has come, or gone) replaces what was known of the group.
    if (group === undefined || !sameWorkload(group.workload, place.workload)) {
      group = { ...place, written: group?.written ?? new Map(), pods: group?.pods ?? new Map() };
      groups.set(place.key, group);
    }
    const isPod = held.kind === "Pod";
    if (isPod) group.pods.set(held.uid, held);
    if (above(held) === undefined && held.mirror !== true && held.images.length > 0)
      group.written.set(held.uid, held);
    // What neither runs nor is judged by itself only ties others together.
    if (!group.written.has(held.uid) && !isPod) {
      if (group.written.size === 0 && group.pods.size === 0) groups.delete(group.key);
      return;
    }
    groupOf.set(held.uid, group.key);
    changed(group.key);
  }

  /** Finds the places of an object and of all that hangs on it anew. */
  function settle(uid: string, depth = 0): void {
    leave(uid);
    const held = objects.get(uid);
    if (held !== undefined) enter(held);
    if (depth < deepest) for (const child of children.get(uid) ?? []) settle(child, depth + 1);
  }

  function detach({ uid, controller }: Held): void {
    const siblings = controller && children.get(controller.uid);
    siblings?.delete(uid);
    if (controller && siblings?.size === 0) children.delete(controller.uid);
  }

  return {
    put(held) {
      const old = objects.get(held.uid);
      if (old !== undefined) detach(old);
      objects.set(held.uid, held);
      if (held.controller !== undefined) {
        const siblings = children.get(held.controller.uid) ?? new Set();
        children.set(held.controller.uid, siblings.add(held.uid));
      }
      const moved =
        old === undefined || old.controller !== held.controller || old.namespace !== held.namespace;
      if (moved) settle(held.uid);
      else {
        leave(held.uid);
        enter(held);
      }
    },
    remove(uid) {
      const old = objects.get(uid);
      if (old === undefined) return;
      detach(old);
      objects.delete(uid);
      settle(uid);
    },
    get: (key) => groups.get(key),
    values: () => groups.values(),
    get size() {
      return groups.size;
    },
  };
}

function place(
  key: string,
  namespace: string,
  shown: { kind: string; name: string },
  workload: Workload,
): Place {
  return { key, owner: `${namespace}/${shown.kind}/${shown.name}`, namespace, workload };
}

function sameWorkload(a: Workload, b: Workload): boolean {
  return a.resolved || b.resolved ? a.resolved === b.resolved : a.reason === b.reason;
}

function whyUnresolved({ apiVersion, kind, name }: Controller): string {
  return judgedKind(apiVersion, kind) === undefined
    ? `${kind} ${name}: owners of kind ${apiVersion} ${kind} are not read`
    : `${kind} ${name}: there is no such object with the uid of the reference`;
}
