import { expect, test } from "vitest";
import { platformsOf, subjectOf } from "./subject-of.ts";

const cluster = { name: "prod" };
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", labels: { app: "web" }, uid: "u1" },
  spec: { template: { spec: { containers: [{ name: "web", image: "web:1" }] } } },
};

test("an object is its own workload", () => {
  expect(subjectOf(deployment, { cluster, namespace: "shop", namespaceLabels: { tier: "prod" } })).toEqual({
    ok: true,
    subject: {
      cluster,
      namespace: { name: "shop", labels: { tier: "prod" } },
      object: { kind: "Deployment", name: "web", labels: { app: "web" }, uid: "u1" },
      pod: "web-",
      workload: { resolved: true, kind: "Deployment", name: "web", uid: "u1" },
      images: [
        {
          path: "spec.template.spec.containers[0].image",
          reference: "web:1",
          name: "web",
          kind: "container",
        },
      ],
    },
  });
});

const pod = (metadata: object) => ({ apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [] } });
const unresolved = { resolved: false, reason: "its owner was not asked for" };

test.each([
  ["without owners", {}, { resolved: true, kind: "Pod", name: "p" }],
  [
    "owned, not managed",
    { ownerReferences: [{ kind: "X", controller: false }] },
    { resolved: true, kind: "Pod", name: "p" },
  ],
  ["managed", { ownerReferences: [{ kind: "ReplicaSet", controller: true }] }, unresolved],
  ["with owners that cannot be read", { ownerReferences: "none" }, unresolved],
])("a Pod %s", (_, more, workload) => {
  const made = subjectOf(pod({ name: "p", ...more }), { cluster, namespace: "n" });
  expect(made.ok && made.subject.workload).toEqual(workload);
});

test("an owner that someone resolved, and what runs, are taken over", () => {
  const workload = { resolved: true, kind: "CronJob", name: "nightly" } as const;
  const running = [{ repository: "docker.io/library/web", digests: [`sha256:${"a".repeat(64)}`] }];
  const made = subjectOf(pod({ generateName: "p-" }), { cluster, namespace: "n", workload, running });
  expect(made.ok && made.subject).toEqual({
    cluster,
    namespace: { name: "n" },
    object: { kind: "Pod", name: "", labels: {} },
    pod: "p-",
    workload,
    images: [],
    running,
  });
});

test("an object whose images cannot be read is a problem, never one without images", () => {
  expect(
    subjectOf({ apiVersion: "v1", kind: "Pod", spec: { containers: {} } }, { cluster, namespace: "n" }),
  ).toEqual({
    ok: false,
    problems: [{ path: "spec.containers", problem: "expected an array, got an object" }],
  });
});

const all = ["linux/amd64", "linux/arm64", "windows/amd64"];
test.each([
  ["no selector", undefined, all],
  ["an architecture", { "kubernetes.io/arch": "arm64" }, ["linux/arm64"]],
  ["both", { "kubernetes.io/os": "windows", "kubernetes.io/arch": "amd64" }, ["windows/amd64"]],
  ["one that fits none", { "kubernetes.io/arch": "s390x" }, all],
  ["one of another kind", { disk: "ssd" }, all],
])("platforms with %s", (_, nodeSelector, expected) => {
  const object = { apiVersion: "v1", kind: "Pod", spec: { containers: [], nodeSelector } };
  expect(platformsOf(object, all)).toEqual(expected);
  expect(platformsOf(object, [])).toEqual([]);
});
