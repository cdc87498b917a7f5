import { unscanned, type Finding, type ImageScan, type ScanReport } from "@gatehouse/policy";
import { describe, expect, test } from "vitest";
import { createLookUp } from "../create-look-up.ts";
import type { LookUp } from "../look-up.ts";
import type { ScanSource } from "../source.ts";
import { audiences, azureRegistry, createWorld, credentialsFor, fakeAzure } from "../testing/clouds/index.ts";
import { fakeNetwork } from "../testing/fake-network.ts";
import { keySigner } from "../testing/sigstore-signer.ts";
import { addGraphFindings } from "./add-graph-findings.ts";

const signal = new AbortController().signal;
const digestOf = (index: number): string => `sha256:${String(index).padStart(64, "0")}`;
const finding = (id: string, name: string): Finding => ({
  id,
  severity: "high",
  package: { name, type: "deb" },
});
const report = (source: string, changes: Partial<ScanReport> = {}): ScanReport => ({
  state: "complete",
  source,
  trust: { kind: "source" },
  scannedAt: "2026-11-22T09:00:00Z",
  findings: [],
  ...changes,
});
const image = (...reports: readonly ScanReport[]): ImageScan => ({
  digest: digestOf(1),
  platforms: reports.map((one) => ({ platform: "linux/amd64", digest: digestOf(2), report: one })),
});

/** A graph that knows one finding of the platform's image and one of the index. */
function graphOf(name: string, found: Readonly<Record<string, readonly Finding[]>>): ScanSource {
  return {
    name,
    covers: ({ registry }) => registry === azureRegistry,
    report: ({ digest }) =>
      Promise.resolve(report(name, { state: "partial", findings: found[digest] ?? [], reason: "a list" })),
  };
}
const graph = graphOf("acr", {
  [digestOf(1)]: [finding("CVE-2026-1", "a")],
  [digestOf(2)]: [finding("CVE-2026-2", "b")],
});
const ask = async (
  scan: ImageScan,
  of: ScanSource = graph,
  reference = `${azureRegistry}/app:1`,
): Promise<ImageScan> => {
  const lookUp: LookUp = () => Promise.resolve(scan);
  return await addGraphFindings(lookUp, [of])(reference, { platforms: [], signal });
};

describe("what Resource Graph adds", () => {
  test.each([
    "complete",
    "absent",
    "stale",
    "unavailable",
    "pending",
    "failed",
    "partial",
    "unsupported",
  ] as const)("findings, and the state stays %s", async (state) => {
    expect(await ask(image(report("acr", { state })))).toEqual(
      image(
        report("acr", {
          state,
          reason: "2 of the findings only in Azure Resource Graph (acr)",
          findings: [finding("CVE-2026-2", "b"), finding("CVE-2026-1", "a")],
        }),
      ),
    );
  });

  test("nothing that the report knows, or that a signed document ruled out", async () => {
    const own = { ...finding("CVE-2026-2", "b"), severity: "low" as const };
    const scan = image(report("acr", { findings: [own], ruledOut: [{ id: "CVE-2026-1", reason: "VEX" }] }));
    expect(await ask(scan)).toEqual(scan);
  });

  test("of several reports to that of its own source, or else to the first", async () => {
    const more = { findings: [finding("CVE-2026-2", "b"), finding("CVE-2026-1", "a")] };
    const [one, two] = (await ask(image(report("other"), report("acr")))).platforms;
    expect([one?.report.findings, two?.report.findings]).toEqual([[], more.findings]);
    const [first, second] = (await ask(image(report("x"), report("y")))).platforms;
    expect([first?.report.findings, second?.report.findings]).toEqual([more.findings, []]);
  });

  test("nothing to images of other registries, and nothing without a digest", async () => {
    const scan = image(report("acr"));
    expect(await ask(scan, graph, "other.example/app:1")).toBe(scan);
    expect(await ask(unscanned("absent", "none", "acr"))).toEqual(unscanned("absent", "none", "acr"));
  });

  test("nothing now, when it is too slow", async () => {
    const slow: ScanSource = { ...graph, report: async () => await new Promise(() => {}) };
    const scan = image(report("acr"));
    const lookUp = addGraphFindings(() => Promise.resolve(scan), [slow], 5);
    expect(await lookUp(`${azureRegistry}/app:1`, { platforms: [], signal })).toEqual(scan);
  });
});

describe("the observer's look-ups of Defender's registries", () => {
  const row = (CveId: string): object => ({
    id: "/assessments/1",
    cve: { CveId, Severity: "High" },
    software: { SoftwareName: "openssl", PackageType: "deb", DetectedSoftwareVersions: ["3.0.1"] },
  });

  function setUp(resourceGraph: boolean) {
    const world = createWorld();
    const fake = fakeAzure({ ...world, trusted: world.trusts(audiences.azure) });
    const images = Array.from({ length: 60 }, (_, index) =>
      fake.registry.pushImage("app", { content: `${index}` }),
    );
    const service = createLookUp({
      sources: [
        {
          type: "defender",
          name: "acr",
          registries: [azureRegistry],
          credentials: credentialsFor("azure"),
          trust: [{ kind: "sigstore-key", publicKey: keySigner().publicKey }],
          resourceGraph: {},
        },
      ],
      fetch: fakeNetwork(fake.hosts).fetch,
      now: world.now,
      readFile: world.readFile,
      resourceGraph,
    });
    const lookAll = async (): Promise<ImageScan[]> => {
      const { lookUp } = await service;
      return await Promise.all(
        images.map(
          async ({ digest }) => await lookUp(`${azureRegistry}/app@${digest}`, { platforms: [], signal }),
        ),
      );
    };
    const queries = (): number => fake.asked.filter((one) => one.startsWith("graph")).length;
    return { world, fake, images, lookAll, queries };
  }
  const seen = (scans: readonly ImageScan[]): unknown[] => [
    ...new Set(scans.map(({ platforms: [one] }) => `${one?.report.state} ${one?.report.findings.length}`)),
  ];

  test("have its findings, asked for by the fifty and held for half an hour", async () => {
    const { world, fake, images, lookAll, queries } = setUp(true);
    for (const { digest } of images) fake.rows.set(digest, [row("CVE-2026-0001")]);
    expect([seen(await lookAll()), queries()]).toEqual([["absent 1"], 2]);
    world.advance(29 * 60_000);
    expect([seen(await lookAll()), queries()]).toEqual([["absent 1"], 2]);
  });

  test("go on without it while it does not answer", async () => {
    const { fake, lookAll } = setUp(true);
    fake.misbehave = async (request, next) =>
      request.url.includes("ResourceGraph") ? new Response(null, { status: 403 }) : await next();
    expect(seen(await lookAll())).toEqual(["absent 0"]);
  });

  test("are the observer's alone: the judge never asks it", async () => {
    const { fake, images, lookAll, queries } = setUp(false);
    for (const { digest } of images) fake.rows.set(digest, [row("CVE-2026-0001")]);
    expect([seen(await lookAll()), queries()]).toEqual([["absent 0"], 0]);
  });
});
