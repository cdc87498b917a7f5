import { applyMode, decide, definePolicy, deny, findings, states, type Impact } from "@gatehouse/policy";
import { afterEach, expect, test } from "vitest";
import { policy } from "../../testing/fixtures.ts";
import {
  badDigest,
  observedCluster,
  ownedBy,
  runningPod,
  templated,
  type ObservedCluster,
} from "../../testing/observed-cluster.ts";

let cluster: ObservedCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

const objects = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { team: "shop" } } },
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "pay" } },
  templated("Deployment", "shop/web", "registry.example/bad:1", { spec: { replicas: 0 } }),
  templated("ReplicaSet", "shop/web-1", "registry.example/bad:1", {
    owner: ownedBy("Deployment", "shop/web"),
  }),
  runningPod("shop/web-1-a", "registry.example/bad:1", {
    owner: ownedBy("ReplicaSet", "shop/web-1"),
    imageId: `registry.example/bad@${badDigest}`,
  }),
  templated("CronJob", "pay/nightly", "registry.example/clean:1", { spec: { suspend: true } }),
  templated("StatefulSet", "pay/db", "registry.example/bad:1"),
  templated("DaemonSet", "kube-system/cni", "registry.example/bad:1"),
];

const rights = {
  "system:serviceaccount:gate:admin": ["create impact *", "get inventory *", "get events *"],
  "system:serviceaccount:shop:viewer": ["create impact shop", "get inventory shop", "get events shop"],
};

const start = async (change: Parameters<typeof observedCluster>[0] = {}) => {
  cluster = await observedCluster({ objects, rights, excludedNamespaces: ["kube-system"], ...change });
  return cluster;
};

const deny1 = { action: "deny", inDenyMode: "deny", rules: ["no-criticals"] };
const allowed = { action: "allow", inDenyMode: "allow", rules: [] };

test("the inventory has each top owner once, as written and as running, without excluded namespaces", async () => {
  const { get, token } = await start();
  const response = await get("/v1/inventory", token("gate:admin"));
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await response.json()).toEqual({
    items: [
      {
        owner: "pay/CronJob/nightly",
        namespace: "pay",
        pods: 0,
        images: [
          {
            reference: "registry.example/clean:1",
            digest: `sha256:${"a".repeat(64)}`,
            states: ["complete"],
            aspect: "written",
          },
        ],
        written: allowed,
      },
      {
        owner: "pay/StatefulSet/db",
        namespace: "pay",
        pods: 0,
        images: [
          { reference: "registry.example/bad:1", digest: badDigest, states: ["complete"], aspect: "written" },
        ],
        written: deny1,
      },
      {
        owner: "shop/Deployment/web",
        namespace: "shop",
        pods: 1,
        images: [
          { reference: "registry.example/bad:1", digest: badDigest, states: ["complete"], aspect: "written" },
          {
            reference: `registry.example/bad@${badDigest}`,
            digest: badDigest,
            states: ["complete"],
            aspect: "running",
            pods: 1,
          },
        ],
        written: deny1,
        running: deny1,
      },
    ],
  });
});

test("the inventory comes in pages", async () => {
  const { get, token } = await start();
  const owners: string[] = [];
  let after = "";
  for (;;) {
    const response = await get(
      `/v1/inventory?limit=1&after=${encodeURIComponent(after)}`,
      token("gate:admin"),
    );
    const page = (await response.json()) as { items: { owner: string }[]; next?: string };
    owners.push(...page.items.map(({ owner }) => owner));
    if (page.next === undefined) break;
    after = page.next;
  }
  expect(owners).toEqual(["pay/CronJob/nightly", "pay/StatefulSet/db", "shop/Deployment/web"]);
});

test("what runs comes in the form that a gate takes", async () => {
  const { get, token } = await start();
  const response = await get("/v1/running", token("gate:admin"));
  expect(await response.json()).toEqual([
    { namespace: "shop", repository: "registry.example/bad", digests: [badDigest] },
  ]);
});

test("an impact lists exactly what the proposal newly denies", async () => {
  const { post, token } = await start({ mode: "audit" });
  const response = await post("/v1/impact", { policy, mode: "deny" }, token("gate:admin"));
  expect(response.status).toBe(200);
  const impact = (await response.json()) as Impact;
  expect(impact.workloads).toBe(3);
  expect(impact.before).toEqual({ mode: "audit" });
  expect(impact.newlyDenied.map(({ owner, rules }) => [owner, rules])).toEqual([
    ["pay/StatefulSet/db", ["no-criticals"]],
    ["shop/Deployment/web", ["no-criticals"]],
  ]);
  expect(impact.violatesNow.map(({ owner }) => owner)).toEqual(["shop/Deployment/web"]);
  expect(impact.byNamespace).toEqual([
    { namespace: "pay", newlyDenied: 1 },
    { namespace: "shop", newlyDenied: 1 },
  ]);
});

test("a proposal may bring the digests that are to be on record", async () => {
  const { post, token } = await start({ mode: "audit" });
  const graceful = definePolicy({
    rules: {
      "no-criticals": deny({
        description: "Criticals do not ship",
        when: findings({ minSeverity: "critical" }),
        onScan: states.audit,
        running: { admitUntil: "2027-01-01" },
      }),
    },
    defaultRule: false,
    exemptionHelp: "ask",
  });
  const running = [{ namespace: "shop", repository: "registry.example/bad", digests: [badDigest] }];
  const response = await post("/v1/impact", { policy: graceful, mode: "deny", running }, token("gate:admin"));
  const impact = (await response.json()) as Impact;
  expect(impact.newlyDenied.map(({ owner }) => owner)).toEqual(["pay/StatefulSet/db"]);
});

test("a tag that has moved is resolved again before an impact", async () => {
  const { post, token, scans } = await start({ mode: "audit" });
  const bad = scans.get("registry.example/bad:1");
  if (bad === undefined) throw new Error("no such fixture");
  scans.set("registry.example/clean:1", bad);
  const response = await post("/v1/impact", { policy, mode: "deny" }, token("gate:admin"));
  const impact = (await response.json()) as Impact;
  expect(impact.newlyDenied.map(({ owner }) => owner)).toEqual([
    "pay/CronJob/nightly",
    "pay/StatefulSet/db",
    "shop/Deployment/web",
  ]);
});

test("a namespace's viewer sees nothing of any other", async () => {
  const { get, post, token, events } = await start({ mode: "audit" });
  const viewer = token("shop:viewer");
  events.receive([eventIn("shop", "k1"), eventIn("pay", "k2")]);
  const texts = await Promise.all(
    [
      await get("/v1/inventory", viewer),
      await get("/v1/running", viewer),
      await get("/v1/events", viewer),
      await post("/v1/impact", { policy, mode: "deny" }, viewer),
    ].map((response) => response.text()),
  );
  for (const text of texts) {
    expect(text).toContain("shop");
    expect(text).not.toContain("pay");
    expect(text).not.toContain("clean");
  }
});

test("who asks for a namespace gets only that one, and only with the right", async () => {
  const { get, token } = await start();
  const owners = async (path: string, account: string) => {
    const response = await get(path, token(account));
    const body = (await response.json()) as { items?: { owner: string }[]; error?: string };
    return [response.status, body.error ?? body.items?.map(({ owner }) => owner)];
  };
  expect(await owners("/v1/inventory?namespace=pay", "gate:admin")).toEqual([
    200,
    ["pay/CronJob/nightly", "pay/StatefulSet/db"],
  ]);
  expect(await owners("/v1/inventory?namespace=shop", "shop:viewer")).toEqual([200, ["shop/Deployment/web"]]);
  expect(await owners("/v1/inventory?namespace=pay", "shop:viewer")).toEqual([403, "forbidden"]);
  expect(await owners("/v1/inventory", "pay:stranger")).toEqual([403, "forbidden"]);
});

const guarded = [
  ["GET", "/v1/inventory"],
  ["GET", "/v1/running"],
  ["GET", "/v1/events"],
  ["GET", "/v1/events/stream"],
  ["POST", "/v1/impact"],
  ["POST", "/v1/events"],
] as const;

test.each(guarded)("%s %s refuses whoever is not known or has no right", async (method, path) => {
  const { app, token, clock } = await start();
  const ask = async (given?: string) => {
    const response = await app.request(path, {
      method,
      headers: given === undefined ? {} : { "x-gatehouse-token": given },
      ...(method === "POST" ? { body: "{}" } : {}),
    });
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).not.toHaveProperty("kind");
    expect(body["message"]).toEqual(expect.any(String));
    return [response.status, body["error"]];
  };
  const shortLived = token("gate:admin", "gatehouse", 600);
  expect(await ask()).toEqual([401, "unauthenticated"]);
  expect(await ask("nonsense")).toEqual([401, "unauthenticated"]);
  expect(await ask("two\twords")).toEqual([401, "unauthenticated"]);
  expect(await ask("x".repeat(20_000))).toEqual([401, "unauthenticated"]);
  expect(await ask(token("gate:admin", "https://kubernetes.default.svc"))).toEqual([401, "unauthenticated"]);
  expect(await ask(token("other:viewer"))).toEqual([403, "forbidden"]);
  clock.now += 601_000;
  expect(await ask(shortLived)).toEqual([401, "unauthenticated"]);
});

test("an API server that does not answer makes nobody known", async () => {
  const { api, get, token } = await start();
  const given = token("gate:admin");
  api.fail({ status: 500, times: 100, match: ({ url }) => url.includes("tokenreviews") });
  const response = await get("/v1/inventory", given);
  expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([
    503,
    "unavailable",
  ]);
});

test("bodies that are too large, of another type or no proposal are refused", async () => {
  const { post, token } = await start();
  const admin = token("gate:admin");
  const ask = async (body: unknown, type?: string) => {
    const response = await post("/v1/impact", body, admin, type);
    return [response.status, await response.json()];
  };
  expect(await ask(`{"policy":"${"x".repeat(2 * 1024 * 1024)}"}`)).toEqual([
    413,
    { error: "invalid", message: "expected at most 2097152 bytes" },
  ]);
  expect(await ask("{}", "text/plain")).toMatchObject([415, { error: "invalid" }]);
  expect(await ask("{")).toMatchObject([400, { error: "invalid" }]);
  expect(
    await ask({ policy: { ...policy, rules: { x: {} } }, mode: "maybe", horizonDays: 1000 }),
  ).toMatchObject([400, { error: "invalid", message: "the proposal has problems" }]);
  const [, problems] = (await ask({ mode: "maybe" })) as [number, { problems: { path: string }[] }];
  expect(problems.problems.map(({ path }) => path)).toContain("mode");
  expect(problems.problems.map(({ path }) => path)).toContain("policy");
});

function eventIn(
  namespace: string,
  key: string,
  change: Record<string, unknown> = {},
): Record<string, unknown> {
  const { count = 1, ...rest } = change;
  return {
    specversion: "1.0",
    type: "io.gatehouse.admission.v1",
    source: "/clusters/test/judges/judge-0",
    id: `request-${namespace}-${key}-${String(count)}`,
    time: "2026-11-22T12:00:00.000Z",
    subject: `${namespace}/Deployment/web`,
    datacontenttype: "application/json",
    data: { object: { kind: "Deployment", namespace, name: "web" }, key, count },
    ...rest,
  };
}

test("events are taken from the judges only", async () => {
  const { post, get, token } = await start();
  const type = "application/cloudevents-batch+json";
  const batch = [eventIn("shop", "k1"), { nonsense: true }];
  const refused = await post("/v1/events", batch, token("gate:admin"), type);
  expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([403, "forbidden"]);
  const taken = await post("/v1/events", batch, token("gate:judge"), type);
  expect([taken.status, await taken.json()]).toEqual([
    200,
    { stored: 1, repeated: 0, invalid: 1, observer: "e1" },
  ]);
  // Sent again, because the answer was lost.
  const again = await post("/v1/events", batch, token("gate:judge"), type);
  expect(await again.json()).toEqual({ stored: 0, repeated: 1, invalid: 1, observer: "e1" });
  const large = await post("/v1/events", `["${"x".repeat(5 * 1024 * 1024)}"]`, token("gate:judge"), type);
  expect(large.status).toBe(413);
  const seen = await get("/v1/events", token("gate:admin"));
  expect(await seen.json()).toEqual({
    next: expect.any(String),
    missed: false,
    events: [
      {
        count: 1,
        firstAt: "2026-11-22T12:00:00.000Z",
        lastAt: "2026-11-22T12:00:00.000Z",
        event: eventIn("shop", "k1"),
      },
    ],
  });
});

test("a reader goes on where it stopped, waits for what comes, and is told what it missed", async () => {
  const { get, token, events } = await start();
  const admin = token("gate:admin");
  const read = async (query: string) =>
    (await (await get(`/v1/events${query}`, admin)).json()) as {
      next: string;
      missed: boolean;
      events: { event: { id: string } }[];
    };
  events.receive([eventIn("shop", "k1")]);
  const first = await read("");
  const waiting = read(`?since=${first.next}&wait=20`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  events.receive([eventIn("shop", "k2")]);
  const second = await waiting;
  expect(second.events.map(({ event }) => event.id)).toEqual(["request-shop-k2-1"]);
  expect(await read(`?since=${second.next}`)).toEqual({
    next: expect.any(String),
    missed: false,
    events: [],
  });
  expect(await read(`?since=${"x".repeat(48)}`)).toMatchObject({ missed: true, events: [{}, {}] });
  expect((await get("/v1/events?since=nonsense", admin)).status).toBe(400);
  expect((await get("/v1/events?wait=1000", admin)).status).toBe(400);
});

test("a stream sends what there is and what comes", async () => {
  const { app, token, events } = await start();
  events.receive([eventIn("shop", "k1"), eventIn("pay", "k2")]);
  const gone = new AbortController();
  const response = await app.request("/v1/events/stream", {
    headers: { "x-gatehouse-token": token("shop:viewer") },
    signal: gone.signal,
  });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const until = async (part: string) => {
    while (!text.includes(part)) text += (await reader?.read())?.value ?? "";
  };
  await until("request-shop-k1-1");
  events.receive([eventIn("shop", "k3")]);
  await until("request-shop-k3-1");
  expect(text).not.toContain("pay");
  await reader?.cancel();
});

test("health and readiness are open, metrics are on another port", async () => {
  const { get, metrics } = await start();
  expect((await get("/healthz")).status).toBe(200);
  expect((await get("/readyz")).status).toBe(200);
  expect(await metrics.show()).toContain("gatehouse_observer_workloads 3");
  expect((await get("/metrics")).status).toBe(404);
  expect((await get("/v1/nothing")).status).toBe(404);
});

test("a verdict that changes is an event, one that does not is none", async () => {
  const { scans, lines, lookAgain, setPolicy, settled } = await start();
  expect(lines).toEqual([]);
  const bad = scans.get("registry.example/bad:1");
  if (bad === undefined) throw new Error("no such fixture");
  scans.set("registry.example/clean:1", bad);
  await lookAgain();
  const told = () =>
    lines.map((line) => {
      const { type, subject, data } = JSON.parse(line) as {
        type: string;
        subject: string;
        data: { aspect: string; was: unknown; action: string; count: number };
      };
      return [type, subject, data.aspect, data.was, data.action, data.count];
    });
  const change = [
    "io.gatehouse.background.v1",
    "pay/CronJob/nightly",
    "written",
    { action: "allow", inDenyMode: "allow" },
    "deny",
    1,
  ];
  expect(told()).toEqual([change]);
  await lookAgain();
  expect(told()).toEqual([change]);
  // Nothing is forbidden any more: everything is admitted.
  const rules = Object.entries(policy.rules).map(([name, rule]) => [name, { ...rule, enabled: false }]);
  setPolicy({ ...policy, rules: Object.fromEntries(rules) });
  await settled();
  expect(
    told()
      .slice(1)
      .map(([, subject, aspect, , action]) => `${String(subject)} ${String(aspect)} ${String(action)}`)
      .toSorted(),
  ).toEqual([
    "pay/CronJob/nightly written allow",
    "pay/StatefulSet/db written allow",
    "shop/Deployment/web written allow",
    "shop/Pod/web-1-a running allow",
  ]);
});

test("what the inventory says is what decide says", async () => {
  const { observation, scans } = await start();
  for (const { subjects, written } of observation.background.values()) {
    const [subject] = subjects.written;
    if (subject === undefined) throw new Error("nothing is written");
    const ruling = applyMode(decide(policy, subject, scans, Date.parse("2026-11-22T12:00:00Z")), "deny");
    expect(written?.action).toBe(ruling.action);
  }
});
