import { expect, test } from "vitest";
import { fixture } from "./fixtures.test-support.ts";
import { parseReport } from "./report.ts";

const context = { source: "folder", trust: { kind: "source" } } as const;

test("a report of today: EPSS, known exploitation, fix dates, aliases, ignored matches, a repeated match", () => {
  expect(parseReport(fixture("grype-0.121.json"), context)).toEqual({
    kind: "report",
    format: "grype",
    images: [
      {
        registry: "shop.example",
        repository: "pay",
        digests: [
          "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
          "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
        ],
        tags: ["3.1"],
      },
    ],
    platform: "linux/arm64",
    createdAt: "2026-11-18T07:30:00Z",
    report: {
      state: "complete",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "grype",
        version: "0.121.2",
        databaseUpdatedAt: "2026-11-21T06:20:00Z",
      },
      scannedAt: "2026-11-21T18:30:00.987Z",
      findings: [
        {
          id: "CVE-2026-30001",
          aliases: ["GHSA-2222-3333-4444"],
          severity: "critical",
          package: {
            name: "lodash",
            version: "4.17.21",
            type: "npm",
            purl: "pkg:npm/lodash@4.17.21",
            path: "/app/node_modules/lodash/package.json",
          },
          fix: {
            available: true,
            version: "4.17.22, 5.0.1",
            since: "2026-11-03T00:00:00Z",
          },
          cvss: 9.3,
          epss: 0.51,
          knownExploited: true,
          title: "Prototype pollution",
          url: "https://security.example/GHSA-2222-3333-4444",
        },
        {
          id: "ELSA-2026-1000",
          aliases: ["CVE-2026-30002", "CVE-2026-30003"],
          severity: "high",
          package: {
            name: "glibc",
            version: "2.34-60.0.1",
            type: "rpm",
            purl: "pkg:rpm/ol/glibc@2.34-60.0.1?arch=aarch64",
          },
          knownExploited: false,
        },
        {
          id: "CVE-2026-30004",
          severity: "medium",
          package: {
            name: "glibc",
            version: "2.34-60.0.1",
            type: "rpm",
            purl: "pkg:rpm/ol/glibc@2.34-60.0.1?arch=aarch64",
          },
          fix: {
            available: false,
          },
          knownExploited: false,
        },
      ],
      ruledOut: [
        {
          id: "CVE-2026-30005",
          reason: "ignored by Grype: VEX: not_affected, vulnerable_code_not_present",
        },
        {
          id: "CVE-2026-30006",
          reason: "ignored by Grype: fix state not-fixed",
        },
        {
          id: "CVE-2026-30007",
          reason: "ignored by a rule of Grype",
        },
      ],
    },
  });
});

test("a report without a time is pending; null lists are empty ones", () => {
  expect(parseReport(fixture("grype-0.50.json"), context)).toEqual({
    kind: "report",
    format: "grype",
    images: [
      {
        registry: "shop.example",
        repository: "cart",
        digests: [
          "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
        ],
        tags: ["1.0"],
      },
    ],
    platform: "linux/amd64",
    report: {
      state: "pending",
      reason: "the report does not say when the scan ended",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "grype",
        version: "0.50.2",
        databaseUpdatedAt: "2022-09-20T08:11:00Z",
      },
      findings: [
        {
          id: "CVE-2022-0778",
          severity: "high",
          package: {
            name: "libssl1.1",
            version: "1.1.1k-1+deb11u1",
            type: "deb",
            purl: "pkg:deb/debian/libssl1.1@1.1.1k-1+deb11u1?arch=amd64",
            path: "/var/lib/dpkg/status",
          },
          fix: {
            available: true,
            version: "1.1.1k-1+deb11u2",
          },
          cvss: 7.5,
          title: "An infinite loop",
          url: "https://security.example/CVE-2022-0778",
        },
        {
          id: "CVE-2011-3389",
          severity: "negligible",
          package: {
            name: "libgnutls30",
            version: "3.7.1-5",
            type: "deb",
          },
          fix: {
            available: false,
          },
        },
      ],
    },
  });
});

function grype(fields: object): object {
  return {
    matches: [],
    source: { type: "image", target: {} },
    descriptor: { name: "grype", version: "0.121.2", timestamp: "2026-11-21T10:00:00Z" },
    ...fields,
  };
}

const match = { vulnerability: { id: "CVE-2026-1000", severity: "High" }, artifact: { name: "a" } };

test.each<[string, object, unknown]>([
  ["no matches", {}, ["complete", undefined, 0]],
  ["null matches", { matches: null }, ["complete", undefined, 0]],
  [
    "matches left out",
    { matches: undefined, descriptor: { name: "grype" } },
    ["partial", "$.matches: missing", 0],
  ],
  ["matches that are no list", { matches: {} }, ["partial", "$.matches: expected a list", 0]],
  [
    "an empty time",
    { descriptor: { name: "grype", timestamp: "" } },
    ["pending", "the report does not say when the scan ended", 0],
  ],
  [
    "a directory",
    { source: { type: "directory", target: "." } },
    ["partial", "Grype scanned a directory, not an image", 0],
  ],
  [
    "a source of no kind",
    { source: { type: 7 } },
    ["partial", "Grype scanned a thing of no kind, not an image", 0],
  ],
  [
    "packages of a distribution that is past its end",
    {
      alertsByPackage: [
        {
          package: {},
          alerts: [{ type: "distro-eol", message: "Package is from end-of-life distro: alpine 3.10" }],
        },
      ],
    },
    [
      "partial",
      "Grype could not vouch for every package: Package is from end-of-life distro: alpine 3.10",
      0,
    ],
  ],
  [
    "entries that cannot be read, beside one that can",
    { matches: [match, { artifact: {} }, null, { vulnerability: { id: 7 } }], ignoredMatches: "x" },
    [
      "partial",
      "$.matches[1].vulnerability: expected an object; $.matches[2]: expected an object; $.matches[3].vulnerability.id: not the name of a vulnerability; and 1 more",
      1,
    ],
  ],
])("state with %s", (_, fields, expected) => {
  const document = JSON.parse(JSON.stringify(grype(fields))) as unknown;
  const parsed = parseReport(document, context);
  expect(
    parsed.kind === "report" && [parsed.report.state, parsed.report.reason, parsed.report.findings.length],
  ).toEqual(expected);
});

test("matches alone are read, but prove no scan", () => {
  const parsed = parseReport({ matches: [match] }, context);
  expect(parsed.kind === "report" && parsed.report).toEqual({
    state: "pending",
    reason: "the report does not say when the scan ended",
    source: "folder",
    trust: { kind: "source" },
    scanner: { name: "grype" },
    findings: [{ id: "CVE-2026-1000", severity: "high", package: { name: "a" } }],
  });
});

test.each<[string, object, object, boolean | undefined]>([
  ["the catalogue is there and names it not", { providers: { kev: {} } }, {}, false],
  ["the catalogue is not there", { providers: { nvd: {} } }, {}, undefined],
  ["an older database", { schemaVersion: 5 }, {}, undefined],
  ["a field that cannot be read", { providers: { kev: {} } }, { knownExploited: "yes" }, undefined],
  ["an entry", { schemaVersion: 5 }, { knownExploited: [{ cve: "CVE-2026-1000" }] }, true],
])("known exploited when %s", (_, db, fields, expected) => {
  const entry = { ...match, vulnerability: { ...match.vulnerability, ...fields } };
  const descriptor = { name: "grype", timestamp: "2026-11-21T10:00:00Z", db };
  const parsed = parseReport(grype({ matches: [entry], descriptor }), context);
  expect(parsed.kind === "report" && parsed.report.findings[0]?.knownExploited).toBe(expected);
});

test("an advisory about several CVEs is as exploited as any of them", () => {
  const relatedVulnerabilities = [
    { id: "CVE-2026-1001", epss: [{ cve: "CVE-2026-1001", epss: 0.2 }] },
    {
      id: "CVE-2026-1002",
      epss: [{ cve: "CVE-2026-1002", epss: 0.9 }],
      knownExploited: [{ cve: "CVE-2026-1002" }],
    },
  ];
  const vulnerability = { id: "ELSA-2026-1", severity: "High" };
  const parsed = parseReport(grype({ matches: [{ vulnerability, relatedVulnerabilities }] }), context);
  expect(parsed.kind === "report" && parsed.report.findings).toEqual([
    {
      id: "ELSA-2026-1",
      aliases: ["CVE-2026-1001", "CVE-2026-1002"],
      severity: "high",
      epss: 0.9,
      knownExploited: true,
    },
  ]);
});
