import { describe, expect, test } from "vitest";
import { isKubeError, type KubeError } from "./errors.ts";
import type { KubeObject } from "./objects.ts";
import { resourceOf, resources } from "./resources.ts";
import { createFakeApi } from "./testing/index.ts";

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

function configMap(name: string, data: Record<string, string> = {}, namespace = "shop") {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name }, data };
}

/** The error of a promise that must fail with one. */
async function errorOf(promise: Promise<unknown>): Promise<KubeError> {
  const settled = await promise.then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );
  if (!isKubeError(settled)) throw settled;
  return settled;
}

describe("objects", () => {
  test("create, get, find, replace, delete", async () => {
    const api = createFakeApi();
    const kube = api.kube();
    const ref = { namespace: "shop", name: "a" };
    const made = await kube.create<ConfigMap>(resources.configMaps, configMap("a", { x: "1" }));
    expect(made).toMatchObject({ kind: "ConfigMap", apiVersion: "v1", data: { x: "1" } });
    expect(await kube.get(resources.configMaps, ref)).toEqual(made);
    const next = await kube.replace<ConfigMap>(resources.configMaps, { ...made, data: { x: "2" } });
    expect(next.data).toEqual({ x: "2" });
    expect((await errorOf(kube.replace(resources.configMaps, { ...made, data: {} }))).code).toBe("conflict");
    expect(await kube.delete(resources.configMaps, ref)).toBe("deleted");
    expect(await kube.find(resources.configMaps, ref)).toBeUndefined();
    const gone = await errorOf(kube.get(resources.configMaps, ref));
    expect(gone).toMatchObject({
      name: "KubeError",
      code: "not-found",
      status: 404,
      reason: "NotFound",
      retryAfterMs: undefined,
      detail: 'configmaps "a" not found',
      asked: { method: "GET", path: "/api/v1/namespaces/shop/configmaps/a" },
      message: 'GET /api/v1/namespaces/shop/configmaps/a: not-found (HTTP 404): configmaps "a" not found',
    });
  });

  test("generateName, dry run, a kind that is not the resource's, metadata only", async () => {
    const kube = createFakeApi().kube();
    const manifest = { metadata: { namespace: "shop", generateName: "job-" } };
    const made = await kube.create(resources.configMaps, manifest);
    expect(made.metadata.name).toMatch(/^job-\w{5}$/);
    await kube.create(resources.configMaps, configMap("dry"), { dryRun: true });
    const wrong = await errorOf(kube.create(resources.pods, configMap("a")));
    expect(wrong.detail).toBe('kind: expected Pod, got "ConfigMap"');
    const { name, namespace } = made.metadata;
    expect(await kube.get(resources.configMaps, { name, namespace }, { metadataOnly: true })).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: made.metadata,
    });
    expect((await kube.list(resources.configMaps)).items.map((item) => item.metadata.name)).toEqual([name]);
  });

  test("apply owns fields, drops what it no longer names and conflicts unless forced", async () => {
    const kube = createFakeApi().kube();
    const one = { fieldManager: "one" };
    await kube.apply(resources.configMaps, configMap("a", { x: "1", y: "1" }), one);
    const dropped = await kube.apply<ConfigMap>(resources.configMaps, configMap("a", { x: "1" }), one);
    expect(dropped.data).toEqual({ x: "1" });
    const two = kube.apply(resources.configMaps, configMap("a", { x: "2" }), { fieldManager: "two" });
    expect((await errorOf(two)).detail).toBe('Apply failed with 1 conflicts: conflict with "one": data.x');
    const forced = await kube.apply<ConfigMap>(resources.configMaps, configMap("a", { x: "2" }), {
      fieldManager: "two",
      force: true,
    });
    expect(forced.data).toEqual({ x: "2" });
  });

  test("merge and json patches", async () => {
    const kube = createFakeApi().kube();
    const ref = { namespace: "shop", name: "a" };
    await kube.create(resources.configMaps, configMap("a", { x: "1", y: "1" }));
    const merge = { type: "merge", value: { data: { x: null, z: "3" } } } as const;
    expect((await kube.patch<ConfigMap>(resources.configMaps, ref, merge)).data).toEqual({ y: "1", z: "3" });
    const json = { type: "json", value: [{ op: "replace", path: "/data/y", value: "2" }] } as const;
    expect((await kube.patch<ConfigMap>(resources.configMaps, ref, json)).data).toEqual({ y: "2", z: "3" });
    const test = { type: "json", value: [{ op: "test", path: "/data/y", value: "9" }] } as const;
    expect((await errorOf(kube.patch(resources.configMaps, ref, test))).code).toBe("invalid");
  });

  test("deletes only the very object meant, and says when finalizers keep it", async () => {
    const api = createFakeApi();
    const kube = api.kube();
    const ref = { namespace: "shop", name: "a" };
    const manifest = configMap("a");
    api.put({ ...manifest, metadata: { ...manifest.metadata, finalizers: ["test/hold"] } });
    const other = kube.delete(resources.configMaps, ref, { preconditions: { uid: "another" } });
    expect((await errorOf(other)).code).toBe("conflict");
    const { uid = "" } = (await kube.get(resources.configMaps, ref)).metadata;
    expect(await kube.delete(resources.configMaps, ref, { preconditions: { uid } })).toBe("deleting");
    const release = { type: "merge", value: { metadata: { finalizers: null } } } as const;
    await kube.patch(resources.configMaps, ref, release);
    expect(await kube.find(resources.configMaps, ref)).toBeUndefined();
  });

  test("an owner's type is found again", () => {
    expect(resourceOf({ apiVersion: "apps/v1", kind: "ReplicaSet" })).toBe(resources.replicaSets);
    expect(resourceOf({ apiVersion: "example.com/v1", kind: "ReplicaSet" })).toBeUndefined();
  });
});

describe("lists", () => {
  test("come page by page, by namespace and selectors", async () => {
    const api = createFakeApi();
    for (const name of ["a", "b", "c", "d", "e"]) {
      const manifest = configMap(name);
      api.put({
        ...manifest,
        metadata: { ...manifest.metadata, labels: { odd: String("ace".includes(name)) } },
      });
    }
    api.put(configMap("f", {}, "other"));
    const kube = api.kube();
    const sizes: number[] = [];
    for await (const page of kube.pages(resources.configMaps, { limit: 2 })) sizes.push(page.items.length);
    expect(sizes).toEqual([2, 2, 2]);
    const odd = await kube.list(resources.configMaps, {
      namespace: "shop",
      labelSelector: "odd in (true, maybe)",
      fieldSelector: "metadata.name!=c",
      limit: 1,
      metadataOnly: true,
    });
    expect(odd.items.map((item) => item.metadata.name)).toEqual(["a", "e"]);
  });

  test("are begun anew when they expire between pages", async () => {
    const api = createFakeApi();
    for (const name of ["a", "b", "c"]) api.put(configMap(name));
    const kube = api.kube();
    let compacted = false;
    const list = kube.list(resources.configMaps, {
      limit: 1,
      get signal() {
        if (!compacted && api.requests.length === 2) {
          compacted = true;
          api.compact();
        }
        return undefined;
      },
    });
    expect((await list).items.map((item) => item.metadata.name)).toEqual(["a", "b", "c"]);
    expect(compacted).toBe(true);
    const pages = kube.pages(resources.configMaps, { limit: 1 });
    await pages.next();
    api.compact();
    expect((await errorOf(pages.next())).code).toBe("gone");
  });
});

describe("discovery", () => {
  test("version and APIs", async () => {
    const kube = createFakeApi({ version: "v1.31.2+k3s1" }).kube();
    expect(await kube.serverVersion()).toEqual({ major: 1, minor: 31, gitVersion: "v1.31.2+k3s1" });
    expect([await kube.hasApi("v1"), await kube.hasApi("apps/v1"), await kube.hasApi("apps/v9")]).toEqual([
      true,
      true,
      false,
    ]);
    expect((await errorOf(kube.hasApi("a/b/c"))).code).toBe("invalid");
  });
});
