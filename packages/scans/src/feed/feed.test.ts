import fc from "fast-check";
import type { Finding, ScanReport } from "@gatehouse/policy";
import { describe, expect, test } from "vitest";
import { memorySource } from "../testing/memory-source.ts";
import { convertFeed, toRuns } from "./convert.ts";
import { createExploitFeed, readRuns, type FeedState } from "./exploit-feed.ts";
import { fedSource } from "./fed-source.ts";
import { feedSchema } from "./format.ts";

const epssCsv = [
  "#model_version:v2026.01.01,score_date:2026-11-21T00:00:00+0000",
  "cve,epss,percentile",
  "CVE-2026-0001,0.97000,0.99900",
  "CVE-2026-0002,0.00100,0.10000",
  "CVE-2026-0003,0.00200,0.20000",
  "CVE-2026-0007,0.00043,0.02000",
  "CVE-2014-125127,0.00050,0.10000",
  "",
].join("\n");
const kevJson = JSON.stringify({
  title: "CISA Catalog of Known Exploited Vulnerabilities",
  dateReleased: "2026-11-20T15:00:00.0000Z",
  count: 2,
  vulnerabilities: [{ cveID: "CVE-2026-0001" }, { cveID: "CVE-2020-1234" }],
});
const converted = convertFeed({ epssCsv, kevJson });
const finding = (id: string, more: Partial<Finding> = {}): Finding => ({ id, severity: "high", ...more });

describe("the feed", () => {
  test("is made of what FIRST and CISA publish", () => {
    expect(converted).toEqual({
      format: "gatehouse.dev/exploit-feed/v1",
      epss: {
        date: "2026-11-21",
        omittedBelow: 0.05,
        scores: { "CVE-2026-0001": 0.97 },
        omitted: { "2014": "125127", "2026": "2+1,4" },
      },
      kev: { date: "2026-11-20", cves: ["CVE-2020-1234", "CVE-2026-0001"] },
    });
    expect(feedSchema.parse(JSON.parse(JSON.stringify(converted)))).toEqual(converted);
  });

  test.each([
    [{ epssCsv: "cve,epss\n" }, "EPSS line 1"],
    [{ epssCsv: "#model_version:v,score_date:2026-11-21\nx\n" }, "EPSS line 2"],
    [{ epssCsv: "#model_version:v,score_date:2026-11-21\ncve,epss\nCVE-2026-0001,1.5\n" }, "EPSS line 3"],
    [{ epssCsv: "#model_version:v,score_date:2026-11-21\ncve,epss\n<html>\n" }, "EPSS line 3"],
    [{ kevJson: "{}" }, "KEV: expected"],
    [{ kevJson: '{"dateReleased":"2026-11-20","count":2,"vulnerabilities":[]}' }, "KEV: says that it has 2"],
    [
      { kevJson: '{"dateReleased":"2026-11-20","vulnerabilities":[{"cveID":"x"}]}' },
      "KEV vulnerabilities[0].cveID",
    ],
  ])("is not made of %o", (options, expected) => {
    expect(() => convertFeed(options)).toThrow(expected);
  });

  test("keeps every number in its runs, and no other", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(300), { maxLength: 100 }), (numbers) => {
        const back = readRuns(toRuns(numbers)).flatMap(([from, to]) =>
          Array.from({ length: to - from + 1 }, (_, index) => from + index),
        );
        expect(back).toEqual([...numbers].sort((a, b) => a - b));
      }),
    );
  });
});

function setUp(content: string | undefined = JSON.stringify(converted), today = "2026-11-22T10:00:00Z") {
  let at = Date.parse(today);
  let text: string | undefined = content;
  const states: FeedState[] = [];
  const feed = createExploitFeed({
    file: "/feed.json",
    maxAge: "7d",
    readFile: () =>
      text === undefined ? Promise.reject(new Error("ENOENT: no such file")) : Promise.resolve(text),
    now: () => at,
    observe: (state) => states.push(state),
  });
  return {
    feed,
    states,
    write: (next: string | undefined) => (text = next),
    advance: (ms: number) => (at += ms),
  };
}

describe("filling", () => {
  test.each<[string, Finding, Partial<Finding>]>([
    ["a CVE that is rated and exploited", finding("CVE-2026-0001"), { epss: 0.97, knownExploited: true }],
    [
      "one rated low: the bound that it lies below",
      finding("CVE-2026-0003"),
      { epss: 0.05, knownExploited: false },
    ],
    ["one rated low with a long number", finding("CVE-2014-125127"), { epss: 0.05, knownExploited: false }],
    ["one that is not rated", finding("CVE-2026-0005"), { knownExploited: false }],
    ["one that is no CVE", finding("GHSA-aaaa-bbbb-cccc"), {}],
    [
      "one whose other name is a CVE",
      finding("GHSA-aaaa-bbbb-cccc", { aliases: ["CVE-2026-0001"] }),
      { epss: 0.97, knownExploited: true },
    ],
    [
      "one with a second CVE that is not rated",
      finding("CVE-2026-0001", { aliases: ["CVE-2026-0005"] }),
      { knownExploited: true },
    ],
    [
      "what the source says stands",
      finding("CVE-2026-0001", { epss: 0.1, knownExploited: false }),
      { epss: 0.1, knownExploited: false },
    ],
  ])("%s", async (_what, one, expected) => {
    const { fill, state } = await setUp().feed();
    expect(state).toEqual({
      epss: { state: "fresh", date: "2026-11-21" },
      kev: { state: "fresh", date: "2026-11-20" },
    });
    expect(fill(one)).toEqual({ ...one, ...expected });
  });

  test("an old feed: exploited still counts, not exploited does not, and no score does", async () => {
    const { fill, state } = await setUp(JSON.stringify(converted), "2026-12-22T10:00:00Z").feed();
    expect(state).toEqual({
      epss: { state: "old", date: "2026-11-21" },
      kev: { state: "old", date: "2026-11-20" },
      problem: "exploit feed: EPSS of 2026-11-21 is too old; KEV of 2026-11-20 is too old",
    });
    expect([fill(finding("CVE-2026-0001")), fill(finding("CVE-2026-0003"))]).toEqual([
      finding("CVE-2026-0001", { knownExploited: true }),
      finding("CVE-2026-0003"),
    ]);
  });

  test("a feed of the future tells no age", async () => {
    const { state } = await setUp(JSON.stringify(converted), "2026-11-10T10:00:00Z").feed();
    expect([state.epss.state, state.kev.state]).toEqual(["old", "old"]);
  });

  test.each([
    ["is not there", undefined, "/feed.json cannot be used: ENOENT"],
    ["is no JSON", "{", "/feed.json cannot be used: "],
    ["has another format", '{"format":"v0"}', "/feed.json cannot be used: format: "],
    ["has neither part", '{"format":"gatehouse.dev/exploit-feed/v1"}', "there is no EPSS; there is no KEV"],
  ])("a feed that %s is absent and says so", async (_what, content, expected) => {
    const { feed, write } = setUp("");
    write(content);
    const { fill, state } = await feed();
    expect([state.epss.state, state.kev.state, fill(finding("CVE-2026-0001"))]).toEqual([
      "absent",
      "absent",
      finding("CVE-2026-0001"),
    ]);
    expect(state.problem).toContain(expected);
  });

  test("the file is read again each minute, and what broke is no longer used", async () => {
    const { feed, write, advance, states } = setUp();
    await feed();
    write("{");
    expect((await feed()).state.epss.state).toBe("fresh");
    advance(60_000);
    expect((await feed()).fill(finding("CVE-2026-0001"))).toEqual(finding("CVE-2026-0001"));
    write(JSON.stringify(converted));
    advance(60_000);
    expect((await feed()).fill(finding("CVE-2026-0001")).epss).toBe(0.97);
    expect(states.map(({ kev }) => kev.state)).toEqual(["fresh", "absent", "fresh"]);
  });
});

describe("a source with a feed", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const report: ScanReport = {
    state: "complete",
    source: "memory",
    trust: { kind: "source" },
    scannedAt: "2026-11-22T09:00:00Z",
    findings: [finding("CVE-2026-0001")],
  };
  const image = { registry: "example.com", repository: "app", digest };
  const signal = new AbortController().signal;

  test("has what the feed knows in its reports", async () => {
    const source = fedSource(memorySource({ reports: { [digest]: report } }), setUp().feed);
    expect(await source.report(image, signal)).toEqual({
      ...report,
      findings: [finding("CVE-2026-0001", { epss: 0.97, knownExploited: true })],
    });
  });

  test("says that its feed is absent, where that leaves something unknown", async () => {
    const { feed, write } = setUp();
    write(undefined);
    const rated = { ...report, findings: [finding("CVE-2026-0001", { epss: 0.5, knownExploited: false })] };
    const other = `sha256:${"b".repeat(64)}`;
    const source = fedSource(memorySource({ reports: { [digest]: report, [other]: rated } }), feed);
    expect(await source.report(image, signal)).toEqual({
      ...report,
      reason: "exploit feed: /feed.json cannot be used: ENOENT: no such file",
    });
    expect(await source.report({ ...image, digest: other }, signal)).toEqual(rated);
  });
});
