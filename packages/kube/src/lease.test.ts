import { describe, expect, test } from "vitest";
import type { Kube } from "./client.ts";
import { holdLease, type LeaseHandle } from "./lease.ts";
import { resources } from "./resources.ts";
import { createFakeApi } from "./testing/index.ts";

const LEASE = { namespace: "gatehouse", name: "observer" };

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A clock that stands still until told, and what sleeps by it. */
function createClock() {
  let time = 1_000_000;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  return {
    now: () => time,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        const sleeper = { at: time + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers.delete(sleeper);
          resolve();
        });
      }),
    async tick(seconds: number, each: () => void = () => undefined) {
      for (let done = 0; done < seconds * 2; done += 1) {
        time += 500;
        for (const sleeper of sleepers) {
          if (sleeper.at > time) continue;
          sleepers.delete(sleeper);
          sleeper.wake();
        }
        await settle();
        each();
      }
    },
  };
}

function contender(kube: Kube, identity: string, monotonic: () => number) {
  const told: string[] = [];
  const handle: LeaseHandle = holdLease(kube, {
    ...LEASE,
    identity,
    durationSeconds: 15,
    monotonic,
    onAcquired: () => told.push("acquired"),
    onLost: () => told.push("lost"),
    onError: (error) => told.push(`error ${(error as { code?: string }).code ?? String(error)}`),
  });
  return { ...handle, told };
}

function fixture() {
  const clock = createClock();
  const api = createFakeApi({ now: clock.now });
  const options = { sleep: clock.sleep, random: () => 0.5 };
  const join = (identity: string) => contender(api.kube(options), identity, clock.now);
  const holder = () =>
    (api.objects(resources.leases)[0] as unknown as { spec: { holderIdentity: string } }).spec.holderIdentity;
  return { clock, api, join, holder, options };
}

describe("a lease", () => {
  test("is held by one, kept by renewing, and handed over when given back", async () => {
    const { clock, join, holder } = fixture();
    const a = join("a");
    await settle();
    const b = join("b");
    await clock.tick(60);
    expect([a.isHolder(), b.isHolder(), holder()]).toEqual([true, false, "a"]);
    await a.stop();
    expect([a.isHolder(), a.told, holder()]).toEqual([false, ["acquired", "lost"], ""]);
    await clock.tick(4);
    expect([b.isHolder(), b.told, holder()]).toEqual([true, ["acquired"], "b"]);
    await b.stop();
  });

  test("of a holder that is cut off ends for it before another takes it", async () => {
    const { clock, api, options, join } = fixture();
    let cut = false;
    const kube = api.kube({
      ...options,
      fetch: (url, request) => (cut ? Promise.reject(new Error("cut off")) : api.fetch(url, request)),
    });
    const a = contender(kube, "a", clock.now);
    await settle();
    const b = join("b");
    await clock.tick(5);
    cut = true;
    let both = 0;
    let neither = 0;
    await clock.tick(30, () => {
      if (a.isHolder() && b.isHolder()) both += 1;
      if (!a.isHolder() && !b.isHolder()) neither += 1;
    });
    expect([a.isHolder(), b.isHolder(), both, neither > 0]).toEqual([false, true, 0, true]);
    expect(b.told).toEqual(["acquired"]);
    await a.stop();
    await b.stop();
    expect(a.told.filter((word) => !word.startsWith("error"))).toEqual(["acquired", "lost"]);
  });

  test("whose renewal was answered to nobody is kept", async () => {
    const { clock, api, options } = fixture();
    let swallow = false;
    const kube = api.kube({
      ...options,
      fetch: async (url, request) => {
        const response = await api.fetch(url, request);
        if (swallow && request.method === "PUT") {
          swallow = false;
          throw new Error("the answer was lost");
        }
        return response;
      },
    });
    const a = contender(kube, "a", clock.now);
    await settle();
    swallow = true;
    await clock.tick(20);
    expect([a.isHolder(), a.told]).toEqual([true, ["acquired", "error unavailable"]]);
    await a.stop();
  });

  test("taken by somebody else is lost at once, and so is one that was deleted", async () => {
    const { clock, api, join } = fixture();
    const a = join("a");
    await settle();
    const value = { spec: { holderIdentity: "thief" } };
    await api.kube().patch(resources.leases, LEASE, { type: "merge", value });
    await clock.tick(4);
    expect([a.isHolder(), a.told]).toEqual([false, ["acquired", "lost"]]);
    await clock.tick(20);
    expect(a.isHolder()).toBe(true);
    await api.kube().delete(resources.leases, LEASE);
    await clock.tick(3);
    expect([a.isHolder(), a.told.slice(2)]).toEqual([false, ["acquired", "error not-found", "lost"]]);
    await a.stop();
  });

  test("under our name that we do not remember is another's", async () => {
    const { clock, api, join } = fixture();
    api.put({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: LEASE,
      spec: { holderIdentity: "a", leaseDurationSeconds: 15 },
    });
    const a = join("a");
    await clock.tick(14);
    expect(a.isHolder()).toBe(false);
    await clock.tick(5);
    expect(a.isHolder()).toBe(true);
    await a.stop();
  });

  test("of less than 3 seconds is refused", () => {
    const { api } = fixture();
    const none = () => undefined;
    const options = { ...LEASE, identity: "a", onAcquired: none, onLost: none, onError: none };
    expect(() => holdLease(api.kube(), { ...options, durationSeconds: 2 })).toThrow("at least 3, got 2");
  });
});
