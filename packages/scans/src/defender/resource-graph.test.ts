import { describe, expect, test } from "vitest";
import { audiences, createWorld, credentialsFor, fakeAzure } from "../testing/clouds/index.ts";
import { answers } from "../testing/misbehaviours.ts";
import { cloudIdentity } from "../web-identity/cloud-identity.ts";
import { readRow } from "./resource-graph-row.ts";
import { createResourceGraph } from "./resource-graph.ts";

const signal = new AbortController().signal;
const digestOf = (index: number): string => `sha256:${String(index).padStart(64, "0")}`;

const cve = (changes: object = {}): object => ({
  CveId: "CVE-2026-0001",
  Severity: "High",
  Cvss: [
    { Key: "2", Value: { Base: 5 } },
    { Key: "3", Value: { Base: 7.1, CvssVectorString: "CVSS:3.1/AV:N" } },
  ],
  FixStatus: "FixAvailable",
  FixedVersion: "3.0.2",
  PublishedDate: "2026-11-01T00:00:00Z",
  ...changes,
});
const row = (
  changes: object = {},
  software: object = { SoftwareName: "openssl", PackageType: "deb", DetectedSoftwareVersions: ["3.0.1"] },
): object => ({
  id: "/subscriptions/s/assessments/1",
  cve: cve(changes),
  software,
});

function setUp() {
  const world = createWorld();
  const fake = fakeAzure({ ...world, trusted: world.trusts(audiences.azure) });
  const deps = world.deps(fake.hosts);
  const identity = cloudIdentity(credentialsFor("azure"), deps);
  if (identity.cloud !== "azure") throw new Error("azure");
  const read = createResourceGraph({ name: "graph", call: deps.call, identity });
  return { fake, read, network: deps.network };
}

const why = "Azure Resource Graph lists findings only, and cannot tell a clean image from one never scanned";

describe("Azure Resource Graph", () => {
  test("gives findings, and never says that an image is clean", async () => {
    const { fake, read } = setUp();
    fake.rows.set(digestOf(1), [row()]);
    const reports = await read([digestOf(1), digestOf(2)], signal);
    expect(Object.fromEntries(reports)).toEqual({
      [digestOf(1)]: {
        state: "partial",
        reason: why,
        source: "graph",
        trust: { kind: "source" },
        scanner: { name: "MDVM" },
        findings: [
          {
            id: "CVE-2026-0001",
            severity: "high",
            package: { name: "openssl", version: "3.0.1", type: "deb" },
            fix: { available: true, version: "3.0.2" },
            cvss: 7.1,
            publishedAt: "2026-11-01T00:00:00Z",
          },
        ],
      },
      [digestOf(2)]: {
        state: "absent",
        reason: why,
        source: "graph",
        trust: { kind: "source" },
        scanner: { name: "MDVM" },
        findings: [],
      },
    });
  });

  test("is asked for 50 digests at a time, each once, and by pages to the end", async () => {
    const { fake, read } = setUp();
    const digests = Array.from({ length: 120 }, (_, index) => digestOf(index));
    fake.rows.set(
      digestOf(3),
      Array.from({ length: 2300 }, (_, index) => row({ CveId: `CVE-2026-${10_000 + index}` })),
    );
    const reports = await read([...digests, ...digests], signal);
    expect([reports.size, reports.get(digestOf(3))?.findings.length]).toEqual([120, 2300]);
    expect(fake.asked).toEqual([
      "entra https://management.azure.com/.default",
      "graph 50",
      "graph 50",
      "graph 50",
      "graph 50",
      "graph 20",
    ]);
  });

  test("a text that is no digest never gets into the query", async () => {
    const { read, network } = setUp();
    expect(await read(['sha256:x") or true //'], signal)).toEqual(new Map());
    expect(network.dialled).toEqual([]);
  });

  test("a batch without an answer is unavailable", async () => {
    const { fake, read } = setUp();
    fake.misbehave = answers(403);
    expect((await read([digestOf(1)], signal)).get(digestOf(1))).toMatchObject({
      state: "unavailable",
      findings: [],
    });
  });

  test("a later page that fails is said, and its batch has no image that is merely absent", async () => {
    const { fake, read } = setUp();
    fake.rows.set(
      digestOf(1),
      Array.from({ length: 1500 }, (_, index) => row({ CveId: `CVE-2026-${10_000 + index}` })),
    );
    let pages = 0;
    fake.misbehave = async (request, next) =>
      request.url.includes("ResourceGraph") && ++pages > 1
        ? new Response(null, { status: 400 })
        : await next();
    const reports = await read([digestOf(1), digestOf(2)], signal);
    expect([...reports.values()].map(({ state, findings }) => [state, findings.length])).toEqual([
      ["partial", 1000],
      ["partial", 0],
    ]);
  });
});

describe("a row", () => {
  test.each<[string, object, unknown]>([
    ["FixAvailable", { FixStatus: "FixAvailable", FixedVersion: "" }, { available: true }],
    ["NoFix", { FixStatus: "NoFix", FixedVersion: "" }, { available: false }],
    ["NoFixAvailable", { FixStatus: "NoFixAvailable" }, { available: false }],
    ["WillNotFix", { FixStatus: "WillNotFix" }, { available: false }],
    ["a word that is not known", { FixStatus: "Soon", FixedVersion: "" }, undefined],
    ["nothing but a version", { FixStatus: undefined }, { available: true, version: "3.0.2" }],
  ])("fix: %s", (_what, changes, expected) => {
    expect(readRow(row(changes))?.finding.fix).toEqual(expected);
  });

  test.each([
    ["Critical", "critical"],
    ["High", "high"],
    ["Medium", "medium"],
    ["Low", "low"],
    ["Unknown", "unknown"],
    ["", "unknown"],
    [undefined, "unknown"],
    ["Severe", "unknown"],
  ])("severity %s is %s", (Severity, expected) => {
    expect(readRow(row({ Severity }))?.finding.severity).toBe(expected);
  });

  test("with JSON in texts, and software under its scanner", () => {
    const software = JSON.stringify({
      ScannersDetails: JSON.stringify({
        mdvm: { SoftwareName: "lodash", PackageType: "npm", DetectedSoftwareVersions: '["4.0.0"]' },
      }),
    });
    const text = JSON.stringify(cve({ Cvss: '[{"Key":"4.0","Value":{"Base":"8.2"}}]' }));
    expect(readRow({ cve: text, software })?.finding).toMatchObject({
      id: "CVE-2026-0001",
      cvss: 8.2,
      package: { name: "lodash", version: "4.0.0", type: "npm", purl: "pkg:npm/lodash@4.0.0" },
    });
  });

  test("without scores has none, and nought is none", () => {
    expect(readRow(row({ Cvss: null }))?.finding.cvss).toBeUndefined();
    expect(readRow(row({ Cvss: [{ Key: "3", Value: { Base: 0 } }] }))?.finding.cvss).toBeUndefined();
  });

  test.each([{}, { cve: "{" }, { cve: { Severity: "High" } }, null, "row", []])("%o is none", (value) => {
    expect(readRow(value)).toBeUndefined();
  });
});
