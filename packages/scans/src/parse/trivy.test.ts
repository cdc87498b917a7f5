import { expect, test } from "vitest";
import { fixture } from "./fixtures.test-support.ts";
import { parseReport } from "./report.ts";

const context = { source: "folder", trust: { kind: "source" } } as const;

test("a report of today: statuses, VEX, CVSS 4, several fixed versions, an alias", () => {
  expect(parseReport(fixture("trivy-0.69.json"), context)).toEqual({
    kind: "report",
    format: "trivy",
    images: [
      {
        registry: "shop.example",
        repository: "cart",
        digests: ["sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"],
        tags: ["2.0"],
      },
    ],
    platform: "linux/arm64",
    createdAt: "2026-11-19T22:00:00Z",
    report: {
      state: "complete",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "trivy",
        version: "0.69.1",
      },
      scannedAt: "2026-11-20T08:15:30.123Z",
      findings: [
        {
          id: "CVE-2026-20001",
          severity: "critical",
          package: {
            name: "libssl3",
            version: "3.5.1-r0",
            type: "apk",
            purl: "pkg:apk/alpine/libssl3@3.5.1-r0?arch=aarch64&distro=3.22.1",
          },
          fix: {
            available: true,
            version: "3.5.4-r0",
          },
          cvss: 9.3,
          publishedAt: "2026-10-01T12:00:00Z",
          title: "openssl: use after free in the handshake",
          url: "https://security.example/CVE-2026-20001",
        },
        {
          id: "CVE-2026-20002",
          severity: "medium",
          package: {
            name: "busybox",
            version: "1.37.0-r18",
            type: "apk",
          },
          fix: {
            available: false,
          },
          cvss: 4.3,
        },
        {
          id: "CVE-2026-20004",
          severity: "unknown",
          package: {
            name: "zlib",
            version: "1.3.1-r2",
            type: "apk",
          },
        },
        {
          id: "CVE-2026-20005",
          aliases: ["GHSA-AbCd-1234-5678"],
          severity: "low",
          package: {
            name: "left-pad",
            version: "1.0.0",
            type: "npm",
            path: "app/package-lock.json",
          },
          fix: {
            available: true,
            version: "1.3.0, 2.0.1",
          },
        },
        {
          id: "CVE-2026-20007",
          severity: "high",
          package: {
            name: "lodash",
            version: "4.17.21",
            type: "npm",
            path: "app/package-lock.json",
          },
          fix: {
            available: false,
          },
        },
      ],
      ruledOut: [
        {
          id: "CVE-2026-20003",
          reason: "the vendor says that the package is not affected",
        },
        {
          id: "CVE-2026-20006",
          reason: "not_affected by OpenVEX: vulnerable_code_not_in_execute_path",
        },
      ],
    },
  });
});

test("a report that does not say when its scan ended is pending", () => {
  expect(parseReport(fixture("trivy-0.27.json"), context)).toEqual({
    kind: "report",
    format: "trivy",
    images: [
      {
        registry: "shop.example",
        repository: "cart",
        digests: ["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
        tags: ["1.0"],
      },
    ],
    platform: "linux/amd64",
    createdAt: "2022-05-01T08:00:00.500Z",
    report: {
      state: "pending",
      reason: "the report does not say when the scan ended",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "trivy",
      },
      findings: [
        {
          id: "CVE-2022-1271",
          severity: "high",
          package: {
            name: "gzip",
            version: "1.10-4",
            type: "deb",
          },
          fix: {
            available: true,
            version: "1.10-4+deb11u1",
          },
          cvss: 8.8,
          publishedAt: "2022-08-31T16:15:00Z",
        },
        {
          id: "TEMP-0841856-B18BAF",
          severity: "unknown",
          package: {
            name: "bash",
            version: "5.1-2+b3",
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

test("schema 1: a bare list", () => {
  expect(parseReport(fixture("trivy-schema-1.json"), context)).toEqual({
    kind: "report",
    format: "trivy",
    images: [],
    report: {
      state: "pending",
      reason: "the report does not say when the scan ended",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "trivy",
      },
      findings: [
        {
          id: "CVE-2020-1967",
          severity: "high",
          package: {
            name: "libssl1.1",
            version: "1.1.1d-r3",
            type: "apk",
          },
          fix: {
            available: true,
            version: "1.1.1g-r0",
          },
          title: "openssl: segmentation fault in SSL_check_chain",
        },
        {
          id: "CVE-2020-1967",
          severity: "high",
          package: {
            name: "libcrypto1.1",
            version: "1.1.1d-r3",
            type: "apk",
          },
          fix: {
            available: true,
            version: "1.1.1g-r0",
          },
        },
        {
          id: "CVE-2019-10744",
          severity: "unknown",
          package: {
            name: "lodash",
            version: "4.17.11",
            type: "npm",
          },
          fix: {
            available: true,
            version: ">=4.17.12",
          },
        },
      ],
    },
  });
});

test("no findings and a scan that ended", () => {
  expect(parseReport(fixture("trivy-clean.json"), context)).toEqual({
    kind: "report",
    format: "trivy",
    images: [
      {
        registry: "shop.example",
        repository: "clean",
        digests: ["sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"],
        tags: ["1.0"],
      },
    ],
    platform: "linux/amd64",
    report: {
      state: "complete",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "trivy",
      },
      scannedAt: "2026-11-21T10:00:00Z",
      findings: [],
    },
  });
});

/** A report of one image with what is given laid over it. */
function trivy(fields: object): object {
  return {
    SchemaVersion: 2,
    CreatedAt: "2026-11-21T10:00:00Z",
    ArtifactName: "shop.example/cart:1.0",
    ArtifactType: "container_image",
    Metadata: { OS: { Family: "alpine", Name: "3.22" } },
    Results: [{ Target: "cart", Class: "os-pkgs", Type: "alpine" }],
    ...fields,
  };
}

function stateOf(document: object): unknown {
  const parsed = parseReport(document, context);
  return parsed.kind === "report"
    ? [parsed.report.state, parsed.report.reason, parsed.report.findings.length]
    : parsed.reason;
}

const vulnerability = { VulnerabilityID: "CVE-2026-1000", PkgName: "a", Severity: "HIGH" };
const osResult = { Target: "cart", Class: "os-pkgs", Vulnerabilities: [vulnerability] };

test.each<[string, object, unknown]>([
  ["all of it", {}, ["complete", undefined, 0]],
  ["an empty list of results", { Results: [] }, ["complete", undefined, 0]],
  [
    "no results",
    { Results: undefined },
    ["unsupported", "Trivy checked no packages: it has no results for alpine 3.22", 0],
  ],
  [
    "null results of an unknown system",
    { Results: null, Metadata: { OS: { Family: "none" } } },
    [
      "unsupported",
      "Trivy checked no packages: it has no results for an image whose operating system it does not know",
      0,
    ],
  ],
  [
    "secrets only",
    { Results: [{ Target: "key.pem", Class: "secret" }] },
    ["unsupported", "Trivy checked no packages: it has no results for alpine 3.22", 0],
  ],
  [
    "libraries only, of an image with an operating system",
    { Results: [{ Target: "Node.js", Class: "lang-pkgs" }] },
    ["partial", "Trivy has no results for the operating system packages of alpine 3.22", 0],
  ],
  [
    "libraries of an image without an operating system",
    { Metadata: {}, Results: [{ Target: "app", Class: "lang-pkgs" }] },
    ["complete", undefined, 0],
  ],
  [
    "an operating system past its end of support",
    { Metadata: { OS: { Family: "alpine", Name: "3.10.2", EOSL: true } } },
    [
      "partial",
      "alpine 3.10.2 is past its end of support: its distribution reports no new vulnerabilities",
      0,
    ],
  ],
  ["no time", { CreatedAt: undefined }, ["pending", "the report does not say when the scan ended", 0]],
  [
    "Go's zero time",
    { CreatedAt: "0001-01-01T00:00:00Z" },
    ["pending", "the report does not say when the scan ended", 0],
  ],
  [
    "a file system",
    { ArtifactType: "filesystem" },
    ["partial", "Trivy scanned a filesystem, not an image", 0],
  ],
  ["a schema of the future", { SchemaVersion: 3 }, ["partial", "$.SchemaVersion: expected 1 or 2", 0]],
  [
    "results that are no list",
    { Results: {} },
    [
      "partial",
      "$.Results: expected a list; Trivy checked no packages: it has no results for alpine 3.22",
      0,
    ],
  ],
  [
    "entries that cannot be read, beside one that can",
    {
      Results: [
        osResult,
        {
          ...osResult,
          Vulnerabilities: [{ PkgName: "b" }, "CVE-2026-1001", { ...vulnerability, VulnerabilityID: " " }],
        },
        { ...osResult, Vulnerabilities: "none" },
      ],
    },
    [
      "partial",
      "$.Results[1].Vulnerabilities[0].VulnerabilityID: expected a string; $.Results[1].Vulnerabilities[1]: expected an object; $.Results[1].Vulnerabilities[2].VulnerabilityID: not the name of a vulnerability; and 1 more",
      1,
    ],
  ],
])("state with %s", (_, fields, expected) => {
  expect(stateOf(trivy(fields))).toEqual(expected);
});

test.each<[object, unknown]>([
  [
    { FixedVersion: "1.2", Status: "fixed" },
    { available: true, version: "1.2" },
  ],
  [{ FixedVersion: "", Status: "fixed" }, { available: true }],
  [{ FixedVersion: "", Status: "will_not_fix" }, { available: false }],
  [{ Status: "end_of_life" }, { available: false }],
  [{ FixedVersion: "" }, { available: false }],
  [{}, { available: false }],
  [{ Status: "unknown" }, undefined],
  [{ Status: "a status of the future" }, undefined],
  [{ FixedVersion: 7 }, undefined],
])("fix of %j", (fields, expected) => {
  const parsed = parseReport(
    trivy({ Results: [{ ...osResult, Vulnerabilities: [{ ...vulnerability, ...fields }] }] }),
    context,
  );
  expect(parsed.kind === "report" && parsed.report.findings[0]?.fix).toEqual(expected);
});

test.each<[object, number | undefined]>([
  [{ nvd: { V2Score: 5, V3Score: 7.5 }, redhat: { V3Score: 6.1 } }, 7.5],
  [{ nvd: { V3Score: 7.5 }, debian: { V3Score: 6.1 } }, 6.1],
  [{ nvd: { V3Score: 7.5 }, ghsa: { V40Score: 8.2 } }, 8.2],
  [{ bitnami: { V3Score: 4 }, ghsa: { V3Score: 5 } }, 5],
  [{ nvd: { V3Score: 11 }, redhat: { V3Score: "high" } }, undefined],
  [{ nvd: { V3Score: 0 } }, undefined],
  [{ nvd: null }, undefined],
])("CVSS of %j with the severity of Debian", (CVSS, expected) => {
  const entry = { ...vulnerability, SeveritySource: "debian", CVSS };
  const parsed = parseReport(trivy({ Results: [{ ...osResult, Vulnerabilities: [entry] }] }), context);
  expect(parsed.kind === "report" && parsed.report.findings[0]?.cvss).toEqual(expected);
});
