import { createFakeApi } from "@gatehouse/kube/testing";
import { describe, expect, it } from "vitest";
import { createDirectory, type Metadata, type Owned, type ReadMetadata } from "./directory.ts";

const controller = (kind: string, name: string, uid: string, apiVersion = "apps/v1") => ({
  apiVersion,
  kind,
  name,
  uid,
  controller: true,
});

const owned = (...ownerReferences: Owned["ownerReferences"]): Owned => ({
  kind: "Pod",
  name: "web-1-x",
  namespace: "shop",
  uid: "pod-1",
  ownerReferences,
});

function over(objects: Readonly<Record<string, Metadata | Error>>): { read: ReadMetadata; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    read: (resource, ref) => {
      const path = [resource.plural, ref.namespace ?? "", ref.name].join("/");
      asked.push(path);
      const found = objects[path];
      return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
    },
  };
}

describe("topOwner", () => {
  it("is the object itself when nothing controls it", async () => {
    const { read, asked } = over({});
    const notController = { ...controller("ReplicaSet", "web-1", "rs-1"), controller: false };
    expect(await createDirectory(read).topOwner(owned(notController))).toEqual({
      resolved: true,
      kind: "Pod",
      name: "web-1-x",
      uid: "pod-1",
    });
    expect(asked).toEqual([]);
  });

  it("follows controllers by uid, and asks once for each", async () => {
    const { read, asked } = over({
      "replicasets/shop/web-1": { uid: "rs-1", ownerReferences: [controller("Deployment", "web", "d-1")] },
      "deployments/shop/web": { uid: "d-1" },
    });
    const directory = createDirectory(read);
    const object = owned(controller("ReplicaSet", "web-1", "rs-1"));
    const top = { resolved: true, kind: "Deployment", name: "web", uid: "d-1" };
    expect(await Promise.all([directory.topOwner(object), directory.topOwner(object)])).toEqual([top, top]);
    expect(asked).toEqual(["replicasets/shop/web-1", "deployments/shop/web"]);
  });

  it.each([
    [
      "there is no such object",
      controller("ReplicaSet", "gone", "rs-1"),
      "ReplicaSet gone: there is no such object",
    ],
    [
      "its uid is another",
      controller("ReplicaSet", "web-1", "rs-2"),
      "ReplicaSet web-1: there is one, but not with the uid of the reference",
    ],
    ["it may not be read", controller("Deployment", "secret", "d-2"), "Deployment secret: forbidden"],
    [
      "its kind is not known",
      controller("Rollout", "web", "r-1", "argoproj.io/v1alpha1"),
      "Rollout web: owners of kind argoproj.io/v1alpha1 Rollout are not read",
    ],
    [
      "it lives in no namespace",
      controller("Node", "node-1", "n-1", "v1"),
      "Node node-1: owners of kind v1 Node are not read",
    ],
  ])("is not resolved when %s", async (_, reference, reason) => {
    const { read } = over({
      "replicasets/shop/web-1": { uid: "rs-1" },
      "deployments/shop/secret": new Error("forbidden"),
    });
    expect(await createDirectory(read).topOwner(owned(reference))).toEqual({ resolved: false, reason });
  });

  it("gives up on owners that go on and on", async () => {
    const { read, asked } = over({
      "replicasets/shop/a": { uid: "a", ownerReferences: [controller("ReplicaSet", "b", "b")] },
      "replicasets/shop/b": { uid: "b", ownerReferences: [controller("ReplicaSet", "a", "a")] },
    });
    expect(await createDirectory(read).topOwner(owned(controller("ReplicaSet", "a", "a")))).toEqual({
      resolved: false,
      reason: "more than 5 owners above each other",
    });
    expect(asked).toHaveLength(2);
  });
});

describe("namespaceLabels", () => {
  it("are read, and unknown when they cannot be", async () => {
    const { read } = over({
      "namespaces//shop": { uid: "n-1", labels: { team: "web" } },
      "namespaces//bare": { uid: "n-2" },
      "namespaces//broken": new Error("unavailable"),
    });
    const directory = createDirectory(read);
    expect(
      await Promise.all(
        ["shop", "bare", "broken", "gone"].map(async (name) => await directory.namespaceLabels(name)),
      ),
    ).toEqual([{ team: "web" }, {}, undefined, undefined]);
  });

  it("come from an API server as metadata only", async () => {
    const api = createFakeApi();
    api.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { team: "web" } } });
    const kube = api.kube();
    const directory = createDirectory(
      async (resource, ref) => (await kube.find(resource, ref, { metadataOnly: true }))?.metadata,
    );
    expect(await directory.namespaceLabels("shop")).toMatchObject({ team: "web" });
    expect(await directory.namespaceLabels("gone")).toBeUndefined();
  });
});
