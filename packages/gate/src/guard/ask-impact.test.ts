import { createFakeApi, type ProxiedRequest } from "@gatehouse/kube/testing";
import { definePolicy } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { annotations, CALLER_SERVICE_ACCOUNT } from "../names.ts";
import { askImpact } from "./ask-impact.ts";

const policy = definePolicy({ rules: {} });
const impact = {
  newlyDenied: [],
  newlyAudited: [],
  newlyAdmitted: [],
  violatesNow: [],
  unscanned: [],
  fixes: [],
};

/** A cluster with an observer that answers as told, the last answer again and again. */
function cluster(answers: readonly Response[], hashes: readonly string[] = ["h"]) {
  const asked: { where: string; token: string | null; body: unknown }[] = [];
  const waits: number[] = [];
  let clock = Date.parse("2026-12-01T00:00:00Z");
  const api = createFakeApi({
    now: () => clock,
    serviceProxy: async ({ request, service, port }: ProxiedRequest) => {
      asked.push({
        where: `${service}:${port}${new URL(request.url).pathname}`,
        token: request.headers.get("x-gatehouse-token"),
        body: await request.json(),
      });
      return (answers[asked.length - 1] ?? answers.at(-1) ?? new Response(null, { status: 500 })).clone();
    },
  });
  api.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "gatehouse" } });
  api.put({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: CALLER_SERVICE_ACCOUNT, namespace: "gatehouse" },
  });
  for (const [index, hash] of hashes.entries())
    api.put({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `observer-${index}`,
        namespace: "gatehouse",
        labels: { "app.kubernetes.io/name": "gatehouse", "app.kubernetes.io/component": "observer" },
        annotations: { [annotations.policyHash]: hash },
      },
    });
  const kube = api.kube({
    now: () => clock,
    sleep: (milliseconds) => {
      waits.push(milliseconds);
      clock += milliseconds;
      return Promise.resolve();
    },
  });
  const ask = () =>
    askImpact(kube, {
      namespace: "gatehouse",
      after: { policy, mode: "deny" },
      running: [],
      timeoutMs: 30_000,
    });
  return { ask, asked, waits };
}

const busy = () =>
  Response.json(
    { error: "busy", message: "reports are looked up" },
    { status: 503, headers: { "retry-after": "10" } },
  );

test("asks with a token of its own, and says what the observer compared with", async () => {
  const { ask, asked } = cluster([Response.json(impact)]);
  expect(await ask()).toEqual({ policyHash: "h", impact });
  expect(asked.map(({ where, body }) => [where, body])).toEqual([
    [
      "gatehouse-observer:https/v1/impact",
      { policy: JSON.parse(JSON.stringify(policy)) as unknown, mode: "deny", running: [] },
    ],
  ]);
  expect(asked[0]?.token?.length).toBeGreaterThan(20);
});

test("an observer that is busy is asked again, until the time is over", async () => {
  const patient = cluster([busy(), Response.json(impact)]);
  expect(await patient.ask()).toEqual({ policyHash: "h", impact });
  expect(patient.waits).toEqual([10_000]);
  const over = cluster([busy()]);
  await expect(over.ask()).rejects.toThrow("the observer answered 503: reports are looked up");
  expect(over.waits).toEqual([10_000, 10_000]);
});

test.each<[string, readonly Response[], readonly string[], string]>([
  ["no observer", [], [], "no observer runs"],
  ["two that differ", [], ["h", "i"], "the observer is being replaced; try again"],
  [
    "no right to ask",
    [Response.json({ message: "may not" }, { status: 403 })],
    ["h"],
    "the observer answered 403: may not",
  ],
  [
    "another version",
    [Response.json({ impact })],
    ["h"],
    "the observer is of another version, whose impact cannot be read",
  ],
])("%s is no answer", async (_, answers, hashes, why) => {
  await expect(cluster(answers, hashes).ask()).rejects.toThrow(why);
});
