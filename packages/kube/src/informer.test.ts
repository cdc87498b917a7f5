import { afterEach, describe, expect, test } from "vitest";
import { createInformer, type InformerMetric } from "./informer.ts";
import type { Kube } from "./client.ts";
import { resources } from "./resources.ts";
import { createFakeApi, listen, type FakeApi, type ListeningApi } from "./testing/index.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Resolves when the condition holds; the test's own time limit is the only clock. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

function put(api: FakeApi, name: string, image: string, extra: { uid?: string } = {}) {
  return api.put({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name, ...extra },
    spec: { containers: [{ name: "c", image }] },
  });
}

/** An informer of Pods that keeps `name=image` and writes down what it is told. */
function follow(kube: Kube) {
  const told: string[] = [];
  const errors: unknown[] = [];
  const metrics: InformerMetric["type"][] = [];
  const informer = createInformer(kube, {
    resource: resources.pods,
    pageSize: 2,
    transform: (pod) => {
      const { image } = (pod as unknown as { spec: { containers: [{ image: string }] } }).spec.containers[0];
      if (image === "broken") throw new Error("cannot be read");
      return image === "ignored" ? undefined : `${pod.metadata.name}=${image}`;
    },
    added: (value) => told.push(`+${value}`),
    updated: (value, old) => told.push(`${old}>${value}`),
    deleted: (old) => told.push(`-${old}`),
    synced: () => told.push("synced"),
    onError: (error) => errors.push(error),
    onMetric: ({ type }) => metrics.push(type),
  });
  ends.push(() => informer.stop());
  return { informer, told, errors, metrics };
}

/** Waits end at once, but let other work go on. */
const quick = { sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };

describe("an informer", () => {
  test("lists page by page, then follows", async () => {
    const api = createFakeApi();
    for (const name of ["a", "b", "c"]) put(api, name, "v1");
    put(api, "d", "ignored");
    const { informer, told, errors } = follow(api.kube(quick));
    await informer.whenSynced;
    await until(() => api.watches() === 1);
    expect(told.splice(0)).toEqual(["+a=v1", "+b=v1", "+c=v1", "synced"]);
    put(api, "a", "v2");
    put(api, "e", "v1");
    put(api, "b", "ignored");
    await api.kube().delete(resources.pods, { namespace: "shop", name: "c" });
    await until(() => told.length === 4);
    expect(told).toEqual(["a=v1>a=v2", "+e=v1", "-b=v1", "-c=v1"]);
    expect([...informer.values()]).toEqual(["a=v2", "e=v1"]);
    expect(informer.get({ namespace: "shop", name: "e" })).toBe("e=v1");
    expect(errors).toEqual([]);
    await informer.stop();
    expect(api.watches()).toBe(0);
  });

  test("resumes where a watch ended, from a bookmark too, without a new list", async () => {
    const api = createFakeApi();
    put(api, "a", "v1");
    const { informer, told, metrics } = follow(api.kube(quick));
    await until(() => api.watches() === 1);
    put(api, "b", "v1");
    api.put({ apiVersion: "v1", kind: "Secret", metadata: { namespace: "shop", name: "other" } });
    api.bookmark();
    await until(() => metrics.includes("event") && metrics.filter((type) => type === "event").length === 2);
    api.closeWatches();
    await until(() => api.watches() === 1);
    put(api, "c", "v1");
    await until(() => told.includes("+c=v1"));
    const asked = api.requests.filter((request) => request.includes("watch=true"));
    expect(asked.map((request) => /resourceVersion=(\d+)/.exec(request)?.[1])).toEqual(["1001", "1003"]);
    expect(metrics.filter((type) => type === "listed")).toHaveLength(1);
    expect(informer.size).toBe(3);
  });

  test("lists again when its version is gone, and tells what it missed", async () => {
    const api = createFakeApi();
    for (const name of ["a", "b", "c"]) put(api, name, "v1");
    const { told, errors, metrics } = follow(api.kube(quick));
    await until(() => api.watches() === 1);
    told.splice(0);
    // With the watches closed first, nothing of this reaches the informer by a watch.
    api.fail({ status: 503, times: 1, match: (request) => request.url.includes("watch=true") });
    api.closeWatches("break");
    await api.kube().delete(resources.pods, { namespace: "shop", name: "a" });
    await api.kube().delete(resources.pods, { namespace: "shop", name: "b" });
    put(api, "b", "v1", { uid: "another" });
    put(api, "c", "v2");
    api.compact();
    await until(() => metrics.filter((type) => type === "listed").length === 2);
    expect(told).toEqual(["-b=v1", "+b=v1", "c=v1>c=v2", "-a=v1"]);
    expect(errors.map((error) => (error as { code: string }).code)).toContain("unavailable");
  });

  test("an object that cannot be transformed is reported and keeps its last value", async () => {
    const api = createFakeApi();
    put(api, "a", "v1");
    const { informer, errors } = follow(api.kube(quick));
    await until(() => api.watches() === 1);
    put(api, "a", "broken");
    await until(() => errors.length > 0);
    expect(errors).toEqual([new Error("cannot be read")]);
    expect([...informer.values()]).toEqual(["a=v1"]);
  });

  test("nothing is synced until a whole list came, however often it fails", async () => {
    const api = createFakeApi();
    for (const name of ["a", "b", "c"]) put(api, name, "v1");
    let times = 0;
    api.fail({ status: 403, times: 2, match: (request) => request.url.includes("continue=") && times++ < 2 });
    const { informer, told, errors } = follow(api.kube(quick));
    expect(informer.hasSynced()).toBe(false);
    await informer.whenSynced;
    expect(told).toEqual(["+a=v1", "+b=v1", "+c=v1", "synced"]);
    expect(errors.map((error) => (error as { code: string }).code)).toEqual(["forbidden", "forbidden"]);
  });

  test("stopped before its first list, it says so", async () => {
    const api = createFakeApi();
    api.fail({ status: 403, times: 1_000_000 });
    const { informer } = follow(api.kube(quick));
    await informer.stop();
    await expect(informer.whenSynced).rejects.toThrow("stopped before its first list");
  });

  test("survives an API server that dies and comes back, over a real connection", async () => {
    const api = createFakeApi();
    put(api, "a", "v1");
    const first = await listen(api);
    const { createKube } = await import("./client.ts");
    const { informer, told } = follow(createKube(first.config, quick));
    await informer.whenSynced;
    await until(() => api.watches() === 1);
    await first.close();
    put(api, "b", "v1");
    const again: ListeningApi = await listen(api, { port: Number(new URL(first.url).port) });
    ends.unshift(() => again.close());
    await until(() => told.includes("+b=v1"));
    expect([...informer.values()]).toEqual(["a=v1", "b=v1"]);
  });
});
