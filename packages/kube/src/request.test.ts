import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createKube } from "./client.ts";
import type { KubeConfig } from "./config.ts";
import { inCluster } from "./in-cluster.ts";
import type { CallReport, KubeOptions } from "./request.ts";
import { resources } from "./resources.ts";
import { createFakeApi } from "./testing/index.ts";
import type { KubeFetch } from "./transport.ts";

const anyone: KubeConfig = { server: "https://fake.invalid", credentials: { kind: "none" } };

/** A client whose server gives these answers one after the other. */
function scripted(answers: (() => Response | Promise<Response>)[], options: KubeOptions = {}) {
  const slept: number[] = [];
  const calls: CallReport[] = [];
  const fetch: KubeFetch = () => {
    const next = answers.shift();
    return next ? Promise.resolve(next()) : Promise.reject(new Error("no more answers"));
  };
  const kube = createKube(anyone, {
    fetch,
    now: () => 0,
    random: () => 0.5,
    sleep: (ms) => Promise.resolve(void slept.push(ms)),
    onCall: (report) => calls.push(report),
    ...options,
  });
  return { kube, slept, calls };
}

function status(code: number, message: string, headers: Record<string, string> = {}) {
  return () => new Response(JSON.stringify({ kind: "Status", message, code }), { status: code, headers });
}

const node = () =>
  new Response(JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: "n" } }), { status: 200 });
const empty = () =>
  new Response(
    JSON.stringify({ apiVersion: "v1", kind: "NodeList", metadata: { resourceVersion: "5" }, items: null }),
  );

describe("retries", () => {
  test("a read waits as asked and is sent again", async () => {
    const { kube, slept, calls } = scripted([
      status(429, "slow down", { "retry-after": "2" }),
      status(503, "starting"),
      node,
    ]);
    expect((await kube.get(resources.nodes, { name: "n" })).metadata.name).toBe("n");
    expect(slept).toEqual([2000, 400]);
    expect(calls).toEqual([
      { method: "GET", path: "/api/v1/nodes/n", outcome: "ok", attempts: 3, milliseconds: 0 },
    ]);
  });

  test("three times at most, not for a long wait, never for a write or another failure", async () => {
    const three = scripted(Array.from({ length: 4 }, () => status(503, "down")));
    await expect(three.kube.get(resources.nodes, { name: "n" })).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(three.slept).toHaveLength(2);
    const long = scripted([status(429, "later", { "retry-after": "3600" }), node]);
    await expect(long.kube.get(resources.nodes, { name: "n" })).rejects.toMatchObject({
      code: "throttled",
      retryAfterMs: 3_600_000,
    });
    const write = scripted([status(503, "down"), node]);
    await expect(write.kube.create(resources.nodes, { metadata: { name: "n" } })).rejects.toMatchObject({
      code: "unavailable",
    });
    const forbidden = scripted([status(403, "no"), node]);
    await expect(forbidden.kube.get(resources.nodes, { name: "n" })).rejects.toMatchObject({
      code: "forbidden",
    });
    expect([long.slept, write.slept, forbidden.slept]).toEqual([[], [], []]);
  });

  test("a broken connection is unavailable, and reads are tried again", async () => {
    const { kube } = scripted([() => Promise.reject(new Error("ECONNRESET")), node]);
    expect((await kube.get(resources.nodes, { name: "n" })).kind).toBe("Node");
    const { kube: writing } = scripted([() => Promise.reject(new Error("ECONNRESET")), node]);
    await expect(writing.delete(resources.nodes, { name: "n" })).rejects.toThrow(
      "DELETE /api/v1/nodes/n: unavailable: no answer from https://fake.invalid: ECONNRESET",
    );
  });
});

describe("answers that are not understood", () => {
  const text = (body: string) => () => new Response(body);
  test.each([
    ["no JSON", "<html>", "expected JSON"],
    ["another kind", '{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]}', "got PodList"],
    ["no items", '{"kind":"NodeList","metadata":{"resourceVersion":"1"}}', "items"],
    ["no version", '{"kind":"NodeList","metadata":{},"items":[]}', "resourceVersion"],
    [
      "a nameless item",
      '{"kind":"NodeList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{}}]}',
      "metadata.name",
    ],
  ])("with %s are errors, not empty lists", async (_case, body, words) => {
    const failed = scripted([text(body)]).kube.list(resources.nodes);
    await expect(failed).rejects.toMatchObject({ code: "unexpected" });
    await expect(scripted([text(body)]).kube.list(resources.nodes)).rejects.toThrow(words);
  });

  test("Go's null for an empty slice is an empty list", async () => {
    expect(await scripted([empty]).kube.list(resources.nodes)).toEqual({ items: [], resourceVersion: "5" });
  });

  test("a redirect is not followed, a large body not read", async () => {
    const moved = () => new Response(null, { status: 302, headers: { location: "https://evil.invalid" } });
    await expect(scripted([moved]).kube.list(resources.nodes)).rejects.toMatchObject({
      code: "unexpected",
      status: 302,
    });
    const large = scripted([text("x".repeat(101))], { maxResponseBytes: 100 });
    await expect(large.kube.list(resources.nodes)).rejects.toThrow("larger than 100 bytes");
  });

  test.each([
    [400, "", "invalid"],
    [401, "", "unauthorized"],
    [410, "", "gone"],
    [413, "", "invalid"],
    [422, "", "invalid"],
    [500, "boom", "unexpected"],
    [500, "etcdserver: leader changed", "unavailable"],
  ])("status %i %s is %s", async (http, message, code) => {
    const { kube } = scripted(Array.from({ length: 3 }, () => status(http, message)));
    await expect(kube.get(resources.nodes, { name: "n" })).rejects.toMatchObject({ code, status: http });
  });
});

describe("deadlines", () => {
  const never: KubeFetch = (_url, { signal }) =>
    new Promise((_resolve, reject) => {
      const timer = setInterval(() => undefined, 1000);
      signal.addEventListener("abort", () => {
        clearInterval(timer);
        reject(new Error("aborted"));
      });
    });

  test("end a call without an answer", async () => {
    const kube = createKube(anyone, { fetch: never, timeoutMs: 5 });
    await expect(kube.get(resources.nodes, { name: "n" })).rejects.toThrow(
      "GET /api/v1/nodes/n: timeout: no answer within 5 ms",
    );
    await expect(kube.watch(resources.nodes, { resourceVersion: "1" }).next()).rejects.toMatchObject({
      code: "timeout",
    });
  });

  test("and so does the caller", async () => {
    const kube = createKube(anyone, { fetch: never });
    const caller = new AbortController();
    const call = kube.get(resources.nodes, { name: "n" }, { signal: caller.signal });
    caller.abort();
    await expect(call).rejects.toThrow("timeout: ended by the caller");
  });

  test("a watch that falls silent counts as broken", async () => {
    const fetch: KubeFetch = (_url, { signal }) => {
      const body = new ReadableStream({
        start: (controller) => signal.addEventListener("abort", () => controller.error(new Error("aborted"))),
      });
      return Promise.resolve(new Response(body));
    };
    const kube = createKube(anyone, { fetch });
    await expect(
      kube.watch(resources.nodes, { resourceVersion: "1", idleMs: 5 }).next(),
    ).rejects.toMatchObject({ code: "unavailable", detail: "the watch was silent for 5 ms" });
  });

  test("a watch event has a longest length", async () => {
    const line = `{"type":"ADDED","object":{"apiVersion":"v1","kind":"Node","metadata":{"name":"${"n".repeat(100)}"}}}`;
    for (const body of [`${line}\n`, line]) {
      const kube = createKube(anyone, { fetch: () => Promise.resolve(new Response(body)) });
      await expect(
        kube.watch(resources.nodes, { resourceVersion: "1", maxLineBytes: 100 }).next(),
      ).rejects.toThrow("a line of more than 100 bytes");
    }
  });
});

describe("identity", () => {
  test("in the cluster: the token file is read again when refused and after 60 s", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kube-"));
    let time = 0;
    const api = createFakeApi({ authorize: () => true });
    const user = { username: "gate", groups: [], extra: {} };
    const write = (token: string) => writeFile(join(directory, "token"), `${token}\n`);
    const asked: string[] = [];
    try {
      await write(api.token(user));
      await writeFile(join(directory, "ca.crt"), "-----BEGIN CERTIFICATE-----\n");
      await writeFile(join(directory, "namespace"), "gatehouse-system");
      const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
      const config = await inCluster({ directory, env });
      expect(config).toEqual({
        server: "https://[fd00::1]:443",
        caFile: join(directory, "ca.crt"),
        credentials: { kind: "token-file", path: join(directory, "token") },
        namespace: "gatehouse-system",
      });
      const fetch: KubeFetch = (url, request) => {
        asked.push(String(request.headers["authorization"]));
        expect(request.tls.ca).toBe("-----BEGIN CERTIFICATE-----");
        return api.fetch(url, request);
      };
      const kube = createKube(config, { fetch, now: () => time });
      await kube.list(resources.nodes);
      const second = api.token(user);
      await write(second);
      await kube.list(resources.nodes);
      time = 60_000;
      await kube.list(resources.nodes);
      expect(asked.map((header) => header === `Bearer ${second}`)).toEqual([false, false, true]);
      await write("expired");
      time = 120_000;
      await expect(kube.list(resources.nodes)).rejects.toMatchObject({ code: "unauthorized", status: 401 });
      await write(api.token(user));
      await kube.list(resources.nodes);
      await rm(join(directory, "token"));
      time = 180_000;
      await expect(kube.list(resources.nodes)).rejects.toThrow("cannot be read");
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test("outside a cluster everything that is missing is named", async () => {
    const failed = inCluster({ directory: "/nowhere", env: {} });
    await expect(failed).rejects.toThrow(
      /KUBERNETES_SERVICE_HOST; .*KUBERNETES_SERVICE_PORT.*\/nowhere\/token.*\/nowhere\/ca\.crt.*\/nowhere\/namespace/,
    );
  });

  test("a provider is asked before its credential ends and when it is refused", async () => {
    let time = 0;
    let given = 0;
    const seen: unknown[] = [];
    const fetch: KubeFetch = (_url, request) => {
      seen.push(request.headers["authorization"]);
      return Promise.resolve(seen.length === 3 ? status(401, "no")() : node());
    };
    const get = () => Promise.resolve({ token: `t${++given}`, expiresAt: time + 100_000 });
    const kube = createKube(
      { ...anyone, credentials: { kind: "provider", get } },
      { fetch, now: () => time },
    );
    const ask = () => kube.get(resources.nodes, { name: "n" });
    await Promise.all([ask(), ask()]);
    time = 70_000;
    await ask();
    expect(seen).toEqual(["Bearer t1", "Bearer t1", "Bearer t2", "Bearer t3"]);
  });

  test("configs that would leak a token or mean nothing are refused, with every reason", () => {
    const make = (config: Partial<KubeConfig>) => () => createKube({ ...anyone, ...config });
    expect(make({ server: "http://cluster.example:8080?x", ca: "junk", caFile: "x" })).toThrow(
      /expected https .*no user, query.*ca, caFile.*PEM/,
    );
    expect(make({ server: "here" })).toThrow("server: expected https://host[:port]");
    expect(make({ server: "http://127.0.0.1:8001" })).not.toThrow();
  });
});

describe("the service proxy", () => {
  const api = createFakeApi({
    serviceProxy: async ({ namespace, scheme, service, port, request }) =>
      Response.json(
        {
          at: `${namespace} ${scheme}:${service}:${port}`,
          asked: `${request.method} ${new URL(request.url).pathname}${new URL(request.url).search}`,
          token: request.headers.get("x-gatehouse-token"),
          authorization: request.headers.get("authorization"),
          body: await request.text(),
        },
        { status: 418 },
      ),
  });
  const target = { scheme: "https", service: "observer", port: 8443 } as const;

  test("passes path, query, headers and body, and returns the service's own status", async () => {
    const answer = await api.kube().serviceProxy("gatehouse", target, "/v1/impact", {
      method: "POST",
      headers: { "x-gatehouse-token": "secret" },
      query: { days: 7 },
      body: "{}",
    });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      418,
      {
        at: "gatehouse https:observer:8443",
        asked: "POST /v1/impact?days=7",
        token: "secret",
        authorization: null,
        body: "{}",
      },
    ]);
  });

  test("what the API server says itself is an error", async () => {
    await expect(
      createFakeApi().kube().serviceProxy("gatehouse", target, "/v1/impact"),
    ).rejects.toMatchObject({
      code: "unavailable",
      status: 503,
    });
  });

  test.each(["v1", "/../../secrets", "/a/%2e%2e/b", "//evil", "/a/./b"])(
    "refuses the path %s",
    async (path) => {
      await expect(api.kube().serviceProxy("gatehouse", target, path)).rejects.toMatchObject({
        code: "invalid",
      });
    },
  );
});
