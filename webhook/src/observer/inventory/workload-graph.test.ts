import fc from "fast-check";
import { expect, test } from "vitest";
import type { Held } from "./held.ts";
import { createWorkloadGraph, type OwnedWorkload } from "./workload-graph.ts";

const use = [{ path: "p", reference: "r.io/a:1", name: "main", kind: "container" as const }];

function held(kind: string, name: string, change: Partial<Held> = {}): Held {
  return {
    uid: `${kind}-${name}`,
    kind,
    namespace: "shop",
    name,
    labels: {},
    podLabels: {},
    pod: `${name}-`,
    images: use,
    ...change,
  };
}

const by = (kind: string, name: string, apiVersion = "apps/v1") => ({
  controller: { apiVersion, kind, name, uid: `${kind}-${name}` },
});

function shown(values: Iterable<OwnedWorkload>) {
  return [...values]
    .map(({ key, owner, workload, written, pods }) => ({
      key,
      owner,
      workload,
      written: [...written.keys()].toSorted(),
      pods: [...pods.keys()].toSorted(),
    }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function graphOf(objects: readonly Held[]) {
  const graph = createWorkloadGraph(() => {});
  for (const one of objects) graph.put(one);
  return shown(graph.values());
}

const deployment = held("Deployment", "web");
const replicaSet = held("ReplicaSet", "web-1", { ...by("Deployment", "web"), images: [] });
const pod = held("Pod", "web-1-a", by("ReplicaSet", "web-1"));

test("a Pod belongs to the Deployment above its ReplicaSet, in whatever order they are told", () => {
  const whole = [
    {
      key: "Deployment-web",
      owner: "shop/Deployment/web",
      workload: { resolved: true, kind: "Deployment", name: "web", uid: "Deployment-web" },
      written: ["Deployment-web"],
      pods: ["Pod-web-1-a"],
    },
  ];
  expect(graphOf([deployment, replicaSet, pod])).toEqual(whole);
  expect(graphOf([pod, replicaSet, deployment])).toEqual(whole);
  expect(graphOf([replicaSet, pod, deployment])).toEqual(whole);
});

test("a Pod without an owner is a workload by itself", () => {
  expect(graphOf([held("Pod", "lone")])).toEqual([
    {
      key: "Pod-lone",
      owner: "shop/Pod/lone",
      workload: { resolved: true, kind: "Pod", name: "lone", uid: "Pod-lone" },
      written: ["Pod-lone"],
      pods: ["Pod-lone"],
    },
  ]);
});

test("what an unknown kind made goes by that owner's name, and its owner is not resolved", () => {
  const rollout = by("Rollout", "web", "argoproj.io/v1alpha1");
  const revisions = [held("ReplicaSet", "web-1", rollout), held("ReplicaSet", "web-2", rollout), pod];
  expect(graphOf(revisions)).toEqual([
    {
      key: '["shop","argoproj.io/v1alpha1","Rollout","web","Rollout-web"]',
      owner: "shop/Rollout/web",
      workload: {
        resolved: false,
        reason: "Rollout web: owners of kind argoproj.io/v1alpha1 Rollout are not read",
      },
      written: ["ReplicaSet-web-1", "ReplicaSet-web-2"],
      pods: ["Pod-web-1-a"],
    },
  ]);
  const operated = held("StatefulSet", "db", by("Postgres", "db", "db.example/v1"));
  expect(graphOf([operated]).map(({ owner, workload }) => [owner, workload.resolved])).toEqual([
    ["shop/StatefulSet/db", false],
  ]);
});

test("a reference counts only when uid, kind, name and namespace are those of the object", () => {
  const foreign = { ...deployment, namespace: "pay" };
  for (const owner of [foreign, { ...deployment, name: "other" }, { ...deployment, kind: "StatefulSet" }]) {
    const graph = graphOf([owner, held("Pod", "x", by("Deployment", "web"))]);
    const own = graph.find(({ pods }) => pods.length === 1);
    expect(own?.workload.resolved).toBe(false);
    expect(own?.written).toEqual(["Pod-x"]);
  }
});

test("a reference to another namespace's owner puts nothing into that namespace", () => {
  const theirs = { ...deployment, namespace: "pay" };
  const graph = createWorkloadGraph(() => {});
  for (const one of [theirs, held("Pod", "x", by("Deployment", "web"))]) graph.put(one);
  for (const { namespace, written, pods } of graph.values())
    for (const member of [...written.values(), ...pods.values()]) expect(member.namespace).toBe(namespace);
});

test("mirrors of static Pods are not judged as written", () => {
  expect(graphOf([held("Pod", "etcd", { mirror: true })])).toMatchObject([
    { written: [], pods: ["Pod-etcd"] },
  ]);
});

test("an owner that goes leaves its Pods to themselves, and one that comes back takes them in", () => {
  const graph = createWorkloadGraph(() => {});
  for (const one of [deployment, replicaSet, pod]) graph.put(one);
  const before = shown(graph.values());
  graph.remove("ReplicaSet-web-1");
  expect(shown(graph.values()).map(({ owner, pods }) => [owner, pods])).toEqual([
    ["shop/Deployment/web", []],
    ["shop/ReplicaSet/web-1", ["Pod-web-1-a"]],
  ]);
  graph.put(replicaSet);
  expect(shown(graph.values())).toEqual(before);
});

test("references in a circle end", () => {
  const one = held("ReplicaSet", "a", by("ReplicaSet", "b"));
  const two = held("ReplicaSet", "b", by("ReplicaSet", "a"));
  expect(graphOf([one, two, held("Pod", "p", by("ReplicaSet", "a"))]).flatMap(({ pods }) => pods)).toEqual([
    "Pod-p",
  ]);
});

const kinds = ["Deployment", "ReplicaSet", "Pod"] as const;
const anyHeld = fc
  .record({
    kind: fc.constantFrom(...kinds),
    name: fc.constantFrom("a", "b", "c"),
    owner: fc.option(
      fc.tuple(fc.constantFrom("Deployment", "ReplicaSet", "Rollout"), fc.constantFrom("a", "b")),
    ),
    images: fc.constantFrom(use, []),
  })
  .map(({ kind, name, owner, images }) =>
    held(kind, name, { images, ...(owner === null ? {} : by(owner[0], owner[1])) }),
  );
const change = fc.oneof(
  anyHeld.map((one) => ({ put: one })),
  fc
    .tuple(fc.constantFrom(...kinds), fc.constantFrom("a", "b", "c"))
    .map(([kind, name]) => ({ remove: `${kind}-${name}` })),
);

test("after any changes it is what it would be if only the last state had been told", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 25 }), fc.boolean(), (changes, reversed) => {
      const told = new Set<string>();
      const graph = createWorkloadGraph((key) => told.add(key));
      const state = new Map<string, Held>();
      for (const one of changes) {
        const before = new Map(shown(graph.values()).map((value) => [value.key, JSON.stringify(value)]));
        told.clear();
        if ("put" in one) {
          graph.put(one.put);
          state.set(one.put.uid, one.put);
        } else {
          graph.remove(one.remove);
          state.delete(one.remove);
        }
        const after = new Map(shown(graph.values()).map((value) => [value.key, JSON.stringify(value)]));
        for (const key of new Set([...before.keys(), ...after.keys()]))
          if (before.get(key) !== after.get(key)) expect(told).toContain(key);
      }
      const last = [...state.values()];
      const cyclic = last.some(({ kind, controller }) => kind === controller?.kind);
      if (!cyclic) expect(shown(graph.values())).toEqual(graphOf(reversed ? last.toReversed() : last));
    }),
    { numRuns: 3_000 },
  );
});
