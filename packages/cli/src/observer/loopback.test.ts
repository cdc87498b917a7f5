/** The dashboard on loopback, over an observer in memory behind an API server in memory. */
import { createFakeApi, type ProxiedRequest } from "@gatehouse/kube/testing";
import { afterEach, expect, test } from "vitest";
import { connectionOf } from "./connection.ts";
import { serveLoopback, type Loopback } from "./loopback.ts";

let loopback: Loopback | undefined;
afterEach(async () => {
  await loopback?.close();
  loopback = undefined;
});

const start = async (answer: (asked: ProxiedRequest) => Response | Promise<Response>) => {
  const asked: { path: string; token: string | null; cookie: string | null }[] = [];
  const api = createFakeApi({
    serviceProxy(proxied) {
      const { request } = proxied;
      const url = new URL(request.url);
      asked.push({
        path: `${proxied.scheme}:${proxied.service}:${proxied.port}${url.pathname}${url.search}`,
        token: request.headers.get("x-gatehouse-token"),
        cookie: request.headers.get("cookie"),
      });
      return answer(proxied);
    },
  });
  api.put({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "gatehouse-caller", namespace: "gatehouse" },
  });
  const notes: string[] = [];
  const kube = api.kube();
  loopback = await serveLoopback(connectionOf(kube, { gateNamespace: "gatehouse" }), {
    note: (line) => notes.push(line),
  });
  const base = `http://127.0.0.1:${loopback.port}`;
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, base), { headers, redirect: "manual" });
  return { api, asked, notes, get, loopback };
};

const page = () =>
  new Response("<!doctype html><p>now</p>", {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'",
      "set-cookie": "a=b",
      "x-other": "c",
    },
  });

const enter = async ({ get, loopback }: { get: (path: string) => Promise<Response>; loopback: Loopback }) => {
  const opened = await get(loopback.url);
  expect([opened.status, opened.headers.get("location")]).toEqual([302, "/ui/now"]);
  const [cookie = ""] = (opened.headers.get("set-cookie") ?? "").split(";");
  return { cookie };
};

test("the address works once, and only its cookie leads further", async () => {
  const stage = await start(page);
  expect((await stage.get("/ui/now")).status).toBe(403);
  expect((await stage.get("/open/guess")).status).toBe(403);
  const headers = await enter(stage);
  expect((await stage.get(stage.loopback.url)).status).toBe(403);
  expect((await stage.get("/ui/now", { cookie: `gatehouse-${stage.loopback.port}=guess` })).status).toBe(403);
  const shown = await stage.get("/ui/now?namespace=shop%26x", headers);
  expect([shown.status, await shown.text()]).toEqual([200, "<!doctype html><p>now</p>"]);
  expect(
    Object.fromEntries(
      ["content-type", "content-security-policy", "set-cookie", "x-other"].map((name) => [
        name,
        shown.headers.get(name),
      ]),
    ),
  ).toEqual({
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'",
    "set-cookie": null,
    "x-other": null,
  });
  expect(stage.asked).toEqual([
    {
      path: "https:gatehouse-observer:https/ui/now?namespace=shop%26x",
      token: expect.any(String),
      cookie: null,
    },
  ]);
});

test("other names of this machine, other paths and writing are refused", async () => {
  const stage = await start(page);
  const headers = await enter(stage);
  for (const path of ["/v1/events", "/metrics", "/ui/../v1/events", "/ui/a/b", "/ui/%2e%2e/v1/impact"])
    expect([path, (await stage.get(path, headers)).status]).toEqual([path, 404]);
  const { request } = await import("node:http");
  const byName = await new Promise<number>((resolve) => {
    request(
      {
        port: stage.loopback.port,
        host: "127.0.0.1",
        path: "/ui/now",
        headers: { ...headers, host: "evil.example" },
      },
      (answer) => resolve(answer.resume().statusCode ?? 0),
    ).end();
  });
  expect(byName).toBe(403);
  const posted = await fetch(`http://127.0.0.1:${stage.loopback.port}/ui/now`, { method: "POST", headers });
  expect(posted.status).toBe(405);
  expect(stage.asked).toEqual([]);
});

test("one token serves many pages; what the API server refuses is said on the page", async () => {
  const stage = await start(page);
  const headers = await enter(stage);
  for (let at = 0; at < 5; at++) await stage.get("/ui/now", headers);
  expect(new Set(stage.asked.map(({ token }) => token)).size).toBe(1);
  expect(stage.api.requests.filter((line) => line.includes("/token")).length).toBe(1);
  stage.api.fail({
    status: 503,
    message: "no endpoints available",
    match: ({ url }) => url.includes("proxy"),
  });
  const refused = await stage.get("/ui/now", headers);
  expect(refused.status).toBe(502);
  expect(await refused.text()).toContain("no endpoints available");
  expect(stage.notes).toHaveLength(1);
});

test("news comes as it is said, and ends with the page", async () => {
  let say: (text: string) => void = () => {};
  const left = { ended: false };
  const stage = await start(
    () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start(controller) {
            say = (text) => controller.enqueue(Buffer.from(text));
          },
          cancel() {
            left.ended = true;
          },
        }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  );
  const headers = await enter(stage);
  const leaving = new AbortController();
  const response = await fetch(`http://127.0.0.1:${stage.loopback.port}/ui/live?seen=x`, {
    headers,
    signal: leaving.signal,
  });
  const reader = response.body?.getReader();
  say("event: changed\n\n");
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("event: changed\n\n");
  say("event: changed\n\n");
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("event: changed\n\n");
  leaving.abort();
  for (let wait = 0; wait < 100 && !left.ended; wait++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(left.ended).toBe(true);
});
