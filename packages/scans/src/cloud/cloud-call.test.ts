import { describe, expect, test } from "vitest";
import type { RegistryErrorCode } from "../registry/errors.ts";
import type { RegistryFetch, RegistryRequest } from "../registry/transport.ts";
import { createCloudCaller, type CloudAnswer } from "./cloud-call.ts";
import { endpointOf, namedEndpoint, ownEndpoint, registryEndpoint } from "./endpoint.ts";

const start = Date.parse("2026-11-22T10:00:00Z");
const signal = new AbortController().signal;

function setUp(answers: readonly (() => Response)[], pace: object = {}) {
  const sent: (RegistryRequest & { url: string })[] = [];
  const fetch: RegistryFetch = (url, request) => {
    sent.push({ ...request, url });
    const answer = answers[sent.length - 1] ?? answers.at(-1);
    return answer === undefined ? Promise.reject(new Error("no answer")) : Promise.resolve(answer());
  };
  let at = start;
  const aheads: number[] = [];
  const call = createCloudCaller({ fetch, now: () => at, random: () => 0, pace });
  const ask = async (more: object = {}): Promise<CloudAnswer> =>
    await call({
      endpoint: ownEndpoint("api.example"),
      signal,
      request: ({ clockAheadMs }) => {
        aheads.push(clockAheadMs);
        return { method: "GET", url: new URL("https://api.example/x"), headers: {} };
      },
      ...more,
    });
  const codeOf = async (): Promise<RegistryErrorCode | "none"> =>
    await ask().then(
      () => "none" as const,
      (error: { code: RegistryErrorCode }) => error.code,
    );
  return { sent, aheads, ask, codeOf, advance: (ms: number) => (at += ms) };
}
const status =
  (code: number, headers: Record<string, string> = {}, body = "{}") =>
  (): Response =>
    new Response(body, { status: code, headers });

describe("a call to a cloud", () => {
  test.each<[string, readonly (() => Response)[], string, number]>([
    ["200", [status(200)], "none", 1],
    ["404: an answer", [status(404)], "none", 1],
    ["500, then 200", [status(500), status(200)], "none", 2],
    ["429, then 200", [status(429, { "retry-after": "0" }), status(200)], "none", 2],
    ["429 for long", [status(429, { "retry-after": "60" })], "throttled", 1],
    ["503 for long", [status(503, { "retry-after": "60" })], "network", 1],
    ["500 three times", [status(500)], "network", 3],
    ["a redirect", [status(302, { location: "https://evil.example" })], "refused", 1],
    ["more than it says", [status(200, { "content-length": "1" })], "mismatch", 1],
    ["more than is read", [status(200, { "content-length": "999999999" })], "too-large", 1],
  ])("%s", async (_what, answers, code, requests) => {
    const { sent, codeOf } = setUp(answers);
    expect([await codeOf(), sent.length]).toEqual([code, requests]);
  });

  test("after a Retry-After nothing is sent until its time has come", async () => {
    const { sent, codeOf, advance } = setUp([status(429, { "retry-after": "60" }), status(200)]);
    expect([await codeOf(), await codeOf(), sent.length]).toEqual(["throttled", "throttled", 1]);
    advance(60_000);
    expect([await codeOf(), sent.length]).toEqual(["none", 2]);
  });

  test("no more is sent than the bucket holds, and it fills with time", async () => {
    const { sent, codeOf, advance } = setUp([status(200)], { burst: 3, perSecond: 0.01 });
    expect([await codeOf(), await codeOf(), await codeOf(), await codeOf(), sent.length]).toEqual([
      "none",
      "none",
      "none",
      "throttled",
      3,
    ]);
    advance(100_000);
    expect([await codeOf(), sent.length]).toEqual(["none", 4]);
  });

  test("the difference of the clocks is told to the next request, when it is more than rounding", async () => {
    const date = (ms: number) => status(200, { date: new Date(start + ms).toUTCString() });
    const { ask, aheads } = setUp([date(3_600_000), date(1000), date(-120_000), date(0)]);
    const told = [await ask(), await ask(), await ask(), await ask()].map(({ clockAheadMs }) => clockAheadMs);
    expect([told, aheads]).toEqual([
      [3_600_000, 0, -120_000, 0],
      [0, 3_600_000, 0, -120_000],
    ]);
  });

  test("a quota that is used up is left alone", async () => {
    const { sent, ask, codeOf } = setUp([status(200)]);
    await ask({ rest: () => 60_000 });
    expect([await codeOf(), sent.length]).toEqual(["throttled", 1]);
  });

  test("a caller that gives up is not waited for", async () => {
    const { ask } = setUp([status(200)]);
    await expect(ask({ signal: AbortSignal.abort(new Error("gone")) })).rejects.toThrow("gone");
  });
});

test.each([
  ["https://sts.example", "https://sts.example/", "private"],
  ["https://sts.example:8443/path", "https://sts.example:8443/path/", "private"],
  ["https://10.0.0.1", "https://10.0.0.1/", "any"],
  ["http://127.0.0.1:5000", "http://127.0.0.1:5000/", "any"],
  ["http://localhost:5000", "http://localhost:5000/", "any"],
])("%s is an endpoint", (text, href, reach) => {
  const { base, ...rest } = namedEndpoint(text, "endpoint");
  expect([base.href, rest]).toEqual([href, { reach }]);
});

test.each([
  "sts.example",
  "http://sts.example",
  "http://10.0.0.1",
  "ftp://x",
  "https://u:p@x",
  "https://x?y",
  "https://x#y",
])("%s is none", (text) => {
  expect(() => namedEndpoint(text, "stsEndpoint")).toThrow(/^stsEndpoint: expected https:/);
});

test("without an endpoint of its own a cloud is asked at its own", () => {
  expect(endpointOf(undefined, "x", "sts.example")).toEqual({
    base: new URL("https://sts.example/"),
    reach: "private",
  });
});

test("a registry with an endpoint is dialled there under its own name", () => {
  expect(registryEndpoint("acme.azurecr.io", { endpoint: "10.1.2.3:8443", ca: "pem" })).toEqual({
    base: new URL("https://acme.azurecr.io/"),
    reach: "any",
    connect: { host: "10.1.2.3", port: 8443 },
    ca: "pem",
  });
  expect(registryEndpoint("acme.azurecr.io", {})).toEqual({
    base: new URL("https://acme.azurecr.io/"),
    reach: "private",
  });
});
