import type { SourceConfig } from "@gatehouse/policy";
import { describe, expect, test, vi } from "vitest";
import { createLookUp, type LookUpOptions } from "./create-look-up.ts";
import { fakeNetwork } from "./testing/fake-network.ts";
import { fakeRegistry, type FakeRegistryOptions } from "./testing/fake-registry.ts";
import {
  answers,
  firstTimes,
  on,
  wrongBytes,
  wrongDigestHeader,
  wrongLength,
} from "./testing/misbehaviours.ts";

const host = "registry.example";
const start = Date.parse("2026-11-22T10:00:00Z");
const signal = new AbortController().signal;
const platforms = ["linux/amd64"];
const source: SourceConfig = { type: "referrer", name: "attached", registries: [host], allowUnsigned: true };

function sarif(ids: readonly string[]): string {
  return JSON.stringify({
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "Trivy", version: "0.60.0", rules: ids.map((id) => ({ id })) } },
        results: ids.map((id) => ({
          ruleId: id,
          level: "error",
          message: { text: `Package: x\nVulnerability ${id}` },
        })),
        invocations: [{ executionSuccessful: true, endTimeUtc: "2026-11-22T09:00:00Z" }],
      },
    ],
  });
}

async function setUp(options: FakeRegistryOptions = {}, more: Partial<LookUpOptions> = {}) {
  const registry = fakeRegistry(options);
  const network = fakeNetwork({ [host]: registry.app });
  let time = start;
  const service = await createLookUp({
    sources: [source],
    now: () => time,
    clock: () => time,
    fetch: network.fetch,
    readFile: () => Promise.reject(new Error("ENOENT")),
    ...more,
  });
  const state = async (reference: string): Promise<string> => {
    const scan = await service.lookUp(reference, { platforms, signal });
    return scan.platforms.map(({ report }) => report.state).join();
  };
  return { registry, network, service, state, later: (ms: number) => (time += ms) };
}

describe("a look-up over a registry", () => {
  test("costs what the protocol needs, and nothing the second time", async () => {
    const { registry, service } = await setUp();
    const image = registry.pushImage("app", { tag: "1", created: "2026-11-01T00:00:00Z" });
    registry.attach("app", image, { artifactType: "application/sarif+json", content: sarif(["CVE-2026-1"]) });
    const first = await service.lookUp(`${host}/app:1`, { platforms, signal });
    expect([
      first.digest,
      first.platforms.map(({ report, ...rest }) => [
        rest,
        report.state,
        report.trust,
        report.findings.map(({ id }) => id),
      ]),
    ]).toEqual([
      image.digest,
      [
        [
          { platform: "linux/amd64", digest: image.digest, createdAt: "2026-11-01T00:00:00.000Z" },
          "complete",
          { kind: "unsigned" },
          ["CVE-2026-1"],
        ],
      ],
    ]);
    expect(registry.requests.map((request) => request.replaceAll(/sha256:[0-9a-f]+/g, "DIGEST"))).toEqual([
      "GET /v2/app/manifests/1",
      "GET /v2/app/blobs/DIGEST",
      "GET /v2/app/referrers/DIGEST",
      "GET /v2/app/manifests/DIGEST",
      "GET /v2/app/blobs/DIGEST",
    ]);
    await service.lookUp(`${host}/app:1`, { platforms, signal });
    expect(registry.requests.length).toBe(5);
  });

  test("fifty look-ups of one image at once are one", async () => {
    const { registry, state } = await setUp();
    registry.pushImage("app", { tag: "1" });
    expect(await Promise.all(Array.from({ length: 50 }, () => state(`${host}/app:1`)))).toEqual(
      Array.from({ length: 50 }, () => "absent"),
    );
    expect(registry.requests.length).toBe(3);
  });

  test("a tag that moved is seen after ten seconds; one that did not costs one HEAD", async () => {
    const { registry, service, later } = await setUp();
    const one = registry.pushImage("app", { tag: "1" });
    const digest = async () => (await service.lookUp(`${host}/app:1`, { platforms, signal })).digest;
    expect(await digest()).toBe(one.digest);
    const before = registry.requests.length;
    later(10_000);
    expect(await digest()).toBe(one.digest);
    expect(registry.requests.slice(before)).toEqual(["HEAD /v2/app/manifests/1"]);
    const two = registry.pushImage("app", { tag: "1", content: "two" });
    later(10_000);
    expect(await digest()).toBe(two.digest);
  });

  test("each platform that is wanted, with its age; nested indexes are read, attestations are not", async () => {
    const { registry, service } = await setUp();
    const amd = registry.pushImage("app", { platform: "linux/amd64", created: "2026-11-01T00:00:00Z" });
    const arm = registry.pushImage("app", { platform: "linux/arm64", created: "2026-11-02T00:00:00Z" });
    const note = registry.pushImage("app", { content: "attestation" });
    const nested = registry.pushIndex("app", [{ ...arm, platform: "linux/arm64/v8" }]);
    const index = registry.pushIndex(
      "app",
      [{ ...amd, platform: "linux/amd64" }, nested, { ...note, platform: "unknown/unknown" }],
      { tag: "1" },
    );
    const scan = await service.lookUp(`${host}/app:1`, { platforms: ["linux/amd64", "linux/arm64"], signal });
    expect([
      scan.digest,
      scan.platforms.map(({ report, ...rest }) => ({ ...rest, state: report.state })),
    ]).toEqual([
      index.digest,
      [
        {
          platform: "linux/amd64",
          digest: amd.digest,
          createdAt: "2026-11-01T00:00:00.000Z",
          state: "absent",
        },
        {
          platform: "linux/arm64/v8",
          digest: arm.digest,
          createdAt: "2026-11-02T00:00:00.000Z",
          state: "absent",
        },
      ],
    ]);
  });

  test("a registry that is slower than the caller: unavailable now, there for the retry", async () => {
    const { registry, service } = await setUp();
    const image = registry.pushImage("app", { tag: "1" });
    registry.attach("app", image, { artifactType: "application/sarif+json", content: sarif(["CVE-2026-1"]) });
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    registry.misbehave = on(/referrers/, async (_request, next) => {
      await gate;
      return await next();
    });
    const hurry = new AbortController();
    const answer = service.lookUp(`${host}/app:1`, { platforms, signal: hurry.signal });
    await vi.waitFor(() => expect(registry.requests.at(-1)).toContain("/referrers/"));
    hurry.abort();
    const now = await answer;
    expect([now.digest, now.platforms.map(({ report }) => report.state)]).toEqual([
      image.digest,
      ["unavailable"],
    ]);
    const before = registry.requests.length;
    const retry = service.lookUp(`${host}/app:1`, { platforms, signal });
    open();
    expect((await retry).platforms.map(({ report }) => report.state)).toEqual(["complete"]);
    // The retry joined the look-up that was under way: only the report's manifest and blob were still to come.
    expect(registry.requests.length - before).toBe(2);
  });

  test.each([
    ["denies", answers(403), "unavailable"],
    ["is broken", answers(500), "unavailable"],
    ["asks for less", answers(429, { "retry-after": "60" }), "unavailable"],
    ["sends other bytes", wrongBytes, "unavailable"],
    ["sends fewer bytes than it says", wrongLength, "unavailable"],
    ["names another digest than it sends", wrongDigestHeader, "unavailable"],
    ["sends other bytes for a report only", on(/blobs/, wrongBytes), "unavailable"],
    [
      "plants a realm",
      answers(401, { "www-authenticate": 'Bearer realm="https://169.254.169.254/token"' }),
      "unavailable",
    ],
    ["has no such image", undefined, "absent"],
    [
      "sends its callers to a metadata server",
      answers(307, { location: "https://169.254.169.254/" }),
      "unavailable",
    ],
  ])("a registry that %s", async (_name, misbehaviour, expected) => {
    const { registry, network, state } = await setUp();
    if (expected !== "absent") {
      const image = registry.pushImage("app", { tag: "1" });
      registry.attach("app", image, { artifactType: "application/sarif+json", content: sarif([]) });
    }
    registry.misbehave = misbehaviour;
    expect(await state(`${host}/app:1`)).toBe(expected);
    expect(network.dialled.every(({ url }) => url.startsWith(`https://${host}/`))).toBe(true);
  });

  test("recovers: a failure is kept for seconds only", async () => {
    const { registry, state, later } = await setUp();
    registry.pushImage("app", { tag: "1" });
    registry.misbehave = on(/manifests/, firstTimes(3, answers(500)));
    expect(await state(`${host}/app:1`)).toBe("unavailable");
    later(3000);
    expect(await state(`${host}/app:1`)).toBe("absent");
  });

  test.each([
    "evil.example/app:1",
    "registry.example.evil.example/app",
    "registry.example:8443/app",
    "user:pass@registry.example/app",
    "registry.example@evil.example/app",
    "169.254.169.254/latest/meta-data",
    "localhost:10250/app",
    "[::1]:10250/app",
    "xn--registry-9za.example/app",
    "https://registry.example/app",
  ])("%s, planted by a requester, causes no connection", async (reference) => {
    const { network, state } = await setUp();
    expect(await state(reference)).toBe("unsupported");
    expect(network.dialled).toEqual([]);
  });

  test("another spelling of a named host is that host", async () => {
    const { registry, state } = await setUp();
    registry.pushImage("app", { tag: "1" });
    expect(await state("Registry.EXAMPLE:443/app:1")).toBe("absent");
    expect(registry.requests.length).toBeGreaterThan(0);
  });
});

test("what is counted: what the caches held, how each source answered, what could not be resolved", async () => {
  const seen: unknown[] = [];
  const { registry, state, later } = await setUp(
    {},
    {
      metrics: {
        cache: ({ cache, outcome }) => seen.push(`${cache} ${outcome}`),
        cacheSize: ({ reports, findings }) => seen.push(`${reports} reports, ${findings} findings`),
        asked: ({ source, state }) => seen.push(`${source} ${state}`),
        unresolved: ({ registry, code }) => seen.push(`${registry} ${code}`),
      },
    },
  );
  const image = registry.pushImage("app", { tag: "1" });
  registry.attach("app", image, { artifactType: "application/sarif+json", content: sarif(["CVE-2026-1"]) });
  await state(`${host}/app:1`);
  await state(`${host}/app:1`);
  later(300_000);
  await state(`${host}/app@${image.digest}`);
  await vi.waitFor(() => expect(seen.slice(-2)).toEqual(["attached complete", "1 reports, 1 findings"]));
  await state(`${host}/app:2`);
  expect(seen).toEqual([
    "image miss",
    "report miss",
    "attached complete",
    "1 reports, 1 findings",
    "image hit",
    "report hit",
    "image miss",
    "report stale",
    "attached complete",
    "1 reports, 1 findings",
    "image miss",
    `${host} not-found`,
  ]);
});

describe("a configuration that cannot be used", () => {
  test("is one error that lists everything", async () => {
    const sources: SourceConfig[] = [
      { type: "referrer", name: "a", registries: [host] },
      { type: "referrer", name: "b", registries: [host], allowUnsigned: true, caFile: "/ca.pem" },
      {
        type: "referrer",
        name: "c",
        registries: [host],
        trust: [
          { kind: "notation", subject: "CN=x" },
          { kind: "sigstore-key", publicKey: "hello" },
        ],
      },
      { type: "referrer", name: "b", registries: [host], allowUnsigned: true },
    ];
    const error: unknown = await setUp({}, { sources }).catch((reason: unknown) => reason);
    expect(error instanceof Error ? error.message.split("\n") : error).toEqual([
      "sources[0] (a): no report could ever count: name an identity in trust, or set allowUnsigned",
      "sources[1] (b): caFile: ENOENT",
      "sources[2] (c): trust[0] (notation): expected exactly one of roots and rootsFile",
      "sources[2] (c): trust[1] (sigstore-key): expected a PEM public key",
      "sources[3] (b): another source has the same name",
    ]);
  });
});
