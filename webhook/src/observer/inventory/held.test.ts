import type { KubeObject } from "@gatehouse/kube";
import { expect, test } from "vitest";
import { ownedBy, runningPod, templated } from "../../testing/observed-cluster.ts";
import { digestOfImageId, holdObject, sameHeld } from "./held.ts";
import { createInterner } from "./intern.ts";

const digest = `sha256:${"d".repeat(64)}`;
const hold = (object: Record<string, unknown>, intern = createInterner()) =>
  holdObject(object as unknown as KubeObject, intern);

test.each([
  ["Deployment", "spec.template.spec.containers[0].image"],
  ["StatefulSet", "spec.template.spec.containers[0].image"],
  ["DaemonSet", "spec.template.spec.containers[0].image"],
  ["ReplicaSet", "spec.template.spec.containers[0].image"],
  ["ReplicationController", "spec.template.spec.containers[0].image"],
  ["Job", "spec.template.spec.containers[0].image"],
  ["CronJob", "spec.jobTemplate.spec.template.spec.containers[0].image"],
  ["PodTemplate", "template.spec.containers[0].image"],
])("of a %s the images, names and labels are kept", (kind, path) => {
  expect(hold(templated(kind, "shop/web", "registry.example/web:1", { labels: { tier: "web" } }))).toEqual({
    uid: `${kind}-shop-web`,
    kind,
    namespace: "shop",
    name: "web",
    labels: {},
    podLabels: { tier: "web" },
    pod: "web-",
    images: [{ path, reference: "registry.example/web:1", name: "main", kind: "container" }],
  });
});

test("of what a built-in controller made only the owner is kept", () => {
  const made = templated("ReplicaSet", "shop/web-1", "registry.example/web:1", {
    owner: ownedBy("Deployment", "shop/web"),
  });
  expect(hold(made)).toEqual({
    uid: "ReplicaSet-shop-web-1",
    kind: "ReplicaSet",
    namespace: "shop",
    name: "web-1",
    controller: { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "Deployment-shop-web" },
    labels: {},
    podLabels: {},
    pod: "",
    images: [],
  });
});

test("a Pod's digests are those of its own repository, whatever the runtime calls it", () => {
  const running = (imageId: string | undefined, phase = "Running") =>
    hold(
      runningPod("shop/web", "registry.example/web:1", {
        phase,
        ...(imageId === undefined ? {} : { imageId }),
      }),
    ).running?.map(({ reference }) => reference);
  expect(running(`registry.example/web@${digest}`)).toEqual([`registry.example/web@${digest}`]);
  expect(running(`mirror.example/other@${digest}`)).toEqual([`registry.example/web@${digest}`]);
  expect(running(`docker-pullable://registry.example/web@${digest}`)).toEqual([
    `registry.example/web@${digest}`,
  ]);
  expect(running(digest)).toBeUndefined();
  expect(running("")).toBeUndefined();
  expect(running(undefined)).toBeUndefined();
  expect(running(`registry.example/web@${digest}`, "Succeeded")).toBeUndefined();
  expect(running(`registry.example/web@${digest}`, "Failed")).toBeUndefined();
});

test("init and ephemeral containers run too, each by its own status", () => {
  const pod = runningPod("shop/web", "registry.example/web:1") as {
    spec: Record<string, unknown>;
    status: Record<string, unknown>;
  };
  pod.spec["initContainers"] = [{ name: "main", image: "registry.example/init:1" }];
  pod.spec["ephemeralContainers"] = [{ name: "debug", image: "registry.example/debug:1" }];
  pod.status["initContainerStatuses"] = [{ name: "main", imageID: `registry.example/init@${digest}` }];
  pod.status["ephemeralContainerStatuses"] = [{ name: "debug", imageID: `registry.example/debug@${digest}` }];
  expect(hold(pod as unknown as Record<string, unknown>).running?.map(({ reference }) => reference)).toEqual([
    `registry.example/init@${digest}`,
    `registry.example/debug@${digest}`,
  ]);
});

test("an object whose images cannot be told is an error, never one without images", () => {
  const broken = templated("Deployment", "shop/web", "registry.example/web:1", {
    spec: { template: { spec: { containers: "none" } } },
  });
  expect(() => hold(broken)).toThrow(
    'Deployment shop/web: spec.template.spec.containers: expected an array, got "none"',
  );
});

test("equal parts are held once, so that an update of a status is no change", () => {
  const intern = createInterner();
  const one = hold(templated("Deployment", "shop/web", "registry.example/web:1"), intern);
  const again = hold(
    { ...templated("Deployment", "shop/web", "registry.example/web:1"), status: { replicas: 3 } },
    intern,
  );
  expect(again.images).toBe(one.images);
  expect(sameHeld(one, again)).toBe(true);
  expect(sameHeld(one, hold(templated("Deployment", "shop/web", "registry.example/web:2"), intern))).toBe(
    false,
  );
});

test("mirrors of static Pods and the nodes that Pods ask for are marked", () => {
  const mirror = runningPod("shop/web", "registry.example/web:1", {
    annotations: { "kubernetes.io/config.mirror": "x" },
  });
  expect(hold(mirror).mirror).toBe(true);
  const selecting = runningPod("shop/web", "registry.example/web:1") as { spec: Record<string, unknown> };
  selecting.spec["nodeSelector"] = { "kubernetes.io/arch": "arm64", zone: "a" };
  expect(hold(selecting as unknown as Record<string, unknown>).nodeSelector).toEqual({
    "kubernetes.io/arch": "arm64",
  });
});

test("no digest is read out of anything but an image id", () => {
  expect(digestOfImageId(`a@${digest}`)).toBe(digest);
  for (const text of [
    `a@${digest}x`,
    `a b@${digest}`,
    `@${digest}`,
    "a@sha256:abc",
    `a@sha512:${"d".repeat(128)}`,
  ])
    expect(digestOfImageId(text)).toBeUndefined();
});
