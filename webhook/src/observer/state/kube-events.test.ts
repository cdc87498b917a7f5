import { resources, type KubeObject } from "@gatehouse/kube";
import { createFakeApi } from "@gatehouse/kube/testing";
import { expect, test } from "vitest";
import { now } from "../../testing/fixtures.ts";
import type { StoredEvent } from "../events/event-store.ts";
import { createKubeEvents } from "./kube-events.ts";

const stored = (
  name: string,
  change: Record<string, unknown> = {},
  type = "io.gatehouse.admission.v1",
): StoredEvent => ({
  position: 1,
  namespace: "shop",
  count: 1,
  firstAt: "",
  lastAt: "",
  text: JSON.stringify({
    type,
    source: "/clusters/test/judges/judge-0",
    id: name,
    data: {
      key: `${name}-0123456789abcdef`,
      request: { operation: "CREATE", user: "alice", uid: "1", subresource: "", groups: [] },
      object: { kind: "Pod", namespace: "shop", name: `${name}-1` },
      owner: { resolved: true, kind: "Deployment", name, uid: `uid-${name}`, reason: "" },
      action: "deny",
      inDenyMode: "deny",
      code: "GH1001",
      images: [
        {
          reference: "registry.example/bad:1",
          outcome: "deny",
          rules: [
            { rule: "no-criticals", outcome: "deny", code: "GH1001", because: "1 finding: CVE-2026-0001" },
          ],
        },
      ],
      ...change,
    },
  }),
});

const stage = (which: "denied" | "all" = "denied") => {
  const api = createFakeApi();
  const clock = { now };
  const logs: string[] = [];
  const events = createKubeEvents({
    kube: api.kube(),
    which,
    instance: "observer-0",
    log: (level, message) => void logs.push(`${level} ${message}`),
    now: () => clock.now,
  });
  const written = async () => {
    // What is under way is in memory: a few turns are enough.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return api.objects(resources.events) as (KubeObject & Record<string, unknown>)[];
  };
  return { api, clock, events, logs, written };
};

test("a denial is an Event on the top owner", async () => {
  const { events, written } = stage();
  events.taken(stored("web"));
  const [{ apiVersion, kind, metadata, ...event } = {} as never, ...others] = await written();
  expect(others).toEqual([]);
  expect([apiVersion, kind, metadata]).toMatchObject([
    "events.k8s.io/v1",
    "Event",
    { name: `gatehouse-web-0123456789ab.${now.toString(16)}`, namespace: "shop" },
  ]);
  expect(event).toEqual({
    eventTime: "2026-11-22T12:00:00.000000Z",
    reportingController: "gatehouse.dev/gate",
    reportingInstance: "observer-0",
    action: "Admit",
    reason: "ImageDenied",
    type: "Warning",
    regarding: { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web", uid: "uid-web" },
    note: "CREATE Pod web-1 by alice denied [GH1001]. registry.example/bad:1: no-criticals: 1 finding: CVE-2026-0001",
  });
});

test("audits are opt-in, background events none, an owner that is not resolved gives way to the object", async () => {
  const quiet = stage();
  quiet.events.taken(stored("a", { action: "audit" }));
  quiet.events.taken(stored("b", {}, "io.gatehouse.background.v1"));
  expect(await quiet.written()).toEqual([]);
  const all = stage("all");
  all.events.taken(stored("a", { action: "audit" }));
  all.events.taken(stored("c", { owner: { resolved: false, reason: "Rollout is not read" } }));
  expect((await all.written()).map((event) => [event["reason"], event["regarding"]])).toEqual([
    [
      "ImageAudited",
      { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "a", uid: "uid-a" },
    ],
    ["ImageDenied", { apiVersion: "v1", kind: "Pod", namespace: "shop", name: "c-1" }],
  ]);
});

test("the same is said again after ten minutes, and a storm is cut", async () => {
  const { events, clock, written } = stage();
  events.taken(stored("web"));
  events.taken(stored("web"));
  expect(await written()).toHaveLength(1);
  clock.now += 10 * 60_000 + 1;
  events.taken(stored("web"));
  expect(await written()).toHaveLength(2);
  for (let at = 0; at < 200; at++) {
    events.taken(stored(`storm-${at}`));
    await written();
  }
  // A burst of twenty less the one before.
  expect(await written()).toHaveLength(21);
  clock.now += 5_000;
  for (let at = 0; at < 200; at++) {
    events.taken(stored(`later-${at}`));
    await written();
  }
  expect(await written()).toHaveLength(26);
  expect(events.state()).toEqual({ well: true, detail: "26 written, 376 left out by the limit" });
});

test("what cannot be written is said once", async () => {
  const { api, events, logs, written } = stage();
  api.fail({ status: 403, times: 2, message: "no" });
  events.taken(stored("a"));
  await written();
  events.taken(stored("b"));
  await written();
  expect([logs, events.state().well]).toEqual([["warn Kubernetes Events cannot be written"], false]);
  events.taken(stored("c"));
  expect(await written()).toHaveLength(1);
  expect(events.state().well).toBe(true);
});

test("markup, controls and great length are one line of a thousand characters", async () => {
  const { events, written } = stage();
  events.taken(stored("x", { request: { operation: "CREATE", user: `a\n\u001b[2J${"y".repeat(5_000)}` } }));
  const [event] = await written();
  expect(String(event?.["note"])).toHaveLength(1_000);
  expect(String(event?.["note"])).not.toMatch(/\p{Cc}/u);
});
