import type { ScanReport } from "@gatehouse/policy";
import { describe, expect, test } from "vitest";
import { stateOf } from "./failed.ts";
import { createSourceLookUp, type Resolver } from "./look-up.ts";
import { RegistryError } from "./registry/errors.ts";
import type { ImageIdentity } from "./source.ts";
import { memorySource } from "./testing/memory-source.ts";

const now = Date.parse("2026-11-22T10:00:00Z");
const digest = `sha256:${"a".repeat(64)}`;
const arm = `sha256:${"b".repeat(64)}`;
const amd = `sha256:${"c".repeat(64)}`;
const other = `sha256:${"d".repeat(64)}`;
const clean: ScanReport = {
  state: "complete",
  source: "memory",
  trust: { kind: "source" },
  scannedAt: "2026-11-22T09:00:00Z",
  findings: [],
};
const options = { platforms: ["linux/amd64"], signal: new AbortController().signal };
const lookUpOf = (sources: Parameters<typeof createSourceLookUp>[0]["sources"], rest = {}) =>
  createSourceLookUp({ sources, now: () => now, ...rest });

describe("a look-up", () => {
  test("resolves a tag and gives each wanted platform's report", async () => {
    const source = memorySource({
      tags: {
        "example.com/app:1": {
          digest,
          platforms: [
            { platform: "linux/amd64", digest: amd, createdAt: "2026-11-01T00:00:00Z" },
            { platform: "linux/arm64", digest: arm },
          ],
        },
      },
      reports: { [amd]: clean },
    });
    expect(await lookUpOf([{ source }])("example.com/app:1", options)).toEqual({
      digest,
      platforms: [{ platform: "linux/amd64", digest: amd, createdAt: "2026-11-01T00:00:00Z", report: clean }],
    });
    expect(source.asked).toEqual([`example.com/app@${amd}`]);
  });

  test("looks at every platform when none is named", async () => {
    const source = memorySource({
      tags: {
        "example.com/app:1": {
          digest,
          platforms: [
            { platform: "linux/amd64", digest: amd },
            { platform: "linux/arm64", digest: arm },
          ],
        },
      },
      reports: { [amd]: clean, [arm]: clean },
    });
    expect(await lookUpOf([{ source }])("example.com/app:1", { ...options, platforms: [] })).toEqual({
      digest,
      platforms: [
        { platform: "linux/amd64", digest: amd, report: clean },
        { platform: "linux/arm64", digest: arm, report: clean },
      ],
    });
  });

  test.each([
    [
      "twice",
      [
        ["linux/amd64", amd],
        ["linux/amd64", other],
      ],
      [amd, other],
    ],
    [
      "in two variants",
      [
        ["linux/amd64", amd],
        ["linux/amd64/v3", other],
      ],
      [amd, other],
    ],
    [
      "under another name",
      [
        ["linux/amd64", amd],
        ["linux/x86_64", other],
      ],
      [amd, other],
    ],
    [
      "and an entry that names none",
      [
        ["linux/amd64", amd],
        [undefined, other],
      ],
      [amd, other],
    ],
    [
      "once, beside another",
      [
        ["linux/amd64", amd],
        ["linux/arm64", arm],
      ],
      [],
    ],
    [
      "once, twice over",
      [
        ["linux/amd64", amd],
        ["linux/amd64", amd],
      ],
      [],
    ],
  ] satisfies [string, [string | undefined, string][], string[]][])(
    "tells sources that an index has a platform %s, so that a report about the index may be about either",
    async (_name, entries, ambiguous) => {
      const told = new Set<string>();
      const hear = async (image: ImageIdentity): Promise<ScanReport> => {
        if (image.ambiguous === true) told.add(image.digest);
        return await Promise.resolve(clean);
      };
      const platforms = entries.map(([platform, child]) =>
        platform === undefined ? { digest: child } : { platform, digest: child },
      );
      const source = memorySource({
        tags: { "example.com/app:1": { digest, platforms } },
        reports: { [amd]: hear, [arm]: hear, [other]: hear },
      });
      const all = { ...options, platforms: [] };
      for (const terms of [options, all]) await lookUpOf([{ source }])("example.com/app:1", terms);
      expect([...told]).toEqual(ambiguous);
    },
  );

  test("an index without a wanted platform is unsupported", async () => {
    const source = memorySource({
      tags: { "example.com/app:1": { digest, platforms: [{ platform: "linux/arm64", digest: arm }] } },
    });
    expect(await lookUpOf([{ source }])("example.com/app:1", options)).toEqual({
      digest,
      platforms: [
        {
          digest,
          report: {
            state: "unsupported",
            reason: "the image has nothing for linux/amd64; it has linux/arm64",
            source: "memory",
            trust: { kind: "source" },
            findings: [],
          },
        },
      ],
    });
  });

  test.each([
    ["nginx", "no source names the registry docker.io, so it is not asked"],
    ["user:pass@example.com/app:1", /^invalid image reference: /],
    ["example.com:5000/app", "no source names the registry example.com:5000, so it is not asked"],
    ["example.com.evil.test/app", "no source names the registry example.com.evil.test, so it is not asked"],
    ["", "invalid image reference: an image reference must not be empty"],
  ])("%j is unsupported without any question", async (reference, reason) => {
    const source = memorySource({ registries: ["example.com"] });
    const scan = await lookUpOf([{ source }])(reference, options);
    expect(scan.platforms.map(({ report }) => report)).toEqual([
      {
        state: "unsupported",
        reason: typeof reason === "string" ? reason : expect.stringMatching(reason),
        source: "no source",
        trust: { kind: "source" },
        findings: [],
      },
    ]);
    expect(source.asked).toEqual([]);
  });

  test("a caller without time gets unavailable and the digest; the look-up goes on", async () => {
    let finish: (report: ScanReport) => void = () => {};
    const slow = new Promise<ScanReport>((resolve) => {
      finish = resolve;
    });
    const source = memorySource({ reports: { [digest]: () => slow } });
    const lookUp = lookUpOf([{ source }]);
    const hurry = new AbortController();
    const answer = lookUp(`example.com/app@${digest}`, { ...options, signal: hurry.signal });
    hurry.abort();
    expect(await answer).toEqual({
      digest,
      platforms: [
        {
          digest,
          report: {
            state: "unavailable",
            reason: "the scan was not there in time; it is still being looked up",
            source: "memory",
            trust: { kind: "source" },
            findings: [],
          },
        },
      ],
    });
    const retry = lookUp(`example.com/app@${digest}`, options);
    finish(clean);
    expect((await retry).platforms).toEqual([{ digest, report: clean }]);
  });

  test("a source that throws is unavailable", async () => {
    const source = memorySource({ reports: { [digest]: () => Promise.reject(new Error("it\nbroke")) } });
    const scan = await lookUpOf([{ source }])(`example.com/app@${digest}`, options);
    expect(scan.platforms[0]?.report).toEqual({
      state: "unavailable",
      reason: "it broke",
      source: "memory",
      trust: { kind: "source" },
      findings: [],
    });
  });

  test("a scan older than the source's terms is stale and keeps its findings", async () => {
    const finding = { id: "CVE-2026-1", severity: "high" as const };
    const source = memorySource({ reports: { [digest]: { ...clean, findings: [finding] } } });
    const scan = await lookUpOf([{ source, maxScanAge: "30m" }])(`example.com/app@${digest}`, options);
    expect(scan.platforms[0]?.report).toEqual({
      ...clean,
      state: "stale",
      findings: [finding],
      reason: "scanned 2026-11-22T09:00:00Z; memory takes none older than 30m",
    });
  });
});

describe("several sources", () => {
  const has = (name: string, report?: ScanReport) =>
    memorySource({ name, reports: report === undefined ? {} : { [digest]: { ...report, source: name } } });
  const states = async (sources: ReturnType<typeof has>[], combine?: "first" | "worst") => {
    const lookUp = lookUpOf(
      sources.map((source) => ({ source })),
      { combine },
    );
    const scan = await lookUp(`example.com/app@${digest}`, options);
    return scan.platforms.map(({ report }) => [report.source, report.state]);
  };

  test("first: one without a report passes the question on", async () => {
    expect(await states([has("a"), has("b", clean)])).toEqual([["b", "complete"]]);
  });
  test("first: one that failed does not", async () => {
    expect(await states([has("a", { ...clean, state: "failed" }), has("b", clean)])).toEqual([
      ["a", "failed"],
    ]);
  });
  test("first: nobody has one", async () => {
    expect(await states([has("a"), has("b")])).toEqual([["b", "absent"]]);
  });
  test("worst: each report stands for itself", async () => {
    expect(await states([has("a"), has("b", clean)], "worst")).toEqual([
      ["a", "absent"],
      ["b", "complete"],
    ]);
  });
});

describe("a registry that fails", () => {
  test.each([
    ["not-found", "absent"],
    ["unsupported", "unsupported"],
    ["denied", "unavailable"],
    ["mismatch", "unavailable"],
    ["network", "unavailable"],
    ["refused", "unavailable"],
    ["broken", "unavailable"],
  ] as const)("%s is %s", async (code, state) => {
    const resolver: Resolver = {
      names: () => true,
      resolve: () => Promise.reject(new RegistryError(code, "example.com: so it is")),
      createdAt: () => Promise.resolve(undefined),
    };
    const scan = await lookUpOf([{ source: memorySource() }], { resolver })("example.com/app:1", options);
    expect(scan.platforms.map(({ report }) => [report.state, report.reason])).toEqual([
      [state, "example.com: so it is"],
    ]);
    expect(stateOf(new RegistryError(code, ""))).toBe(state);
  });
});
