import { expect, test } from "vitest";
import { fixture } from "./fixtures.test-support.ts";
import { parseReport } from "./report.ts";

const context = { source: "folder", trust: { kind: "source" } } as const;

test("Trivy: vulnerabilities without the secrets, and no end of the scan", () => {
  expect(parseReport(fixture("trivy.sarif"), context)).toEqual({
    kind: "report",
    format: "sarif",
    images: [
      {
        registry: "shop.example",
        repository: "cart",
        digests: ["sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"],
        tags: ["2.0"],
      },
    ],
    report: {
      state: "pending",
      reason: "the report does not say when the scan ended",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "trivy",
        version: "0.69.1",
      },
      findings: [
        {
          id: "CVE-2026-20001",
          severity: "critical",
          package: {
            name: "libssl3",
            version: "3.5.1-r0",
          },
          fix: {
            available: true,
            version: "3.5.4-r0",
          },
          cvss: 9.3,
          title: "openssl: use after free",
          url: "https://security.example/CVE-2026-20001",
        },
        {
          id: "CVE-2026-20001",
          severity: "critical",
          package: {
            name: "libcrypto3",
            version: "3.5.1-r0",
          },
          fix: {
            available: false,
          },
          cvss: 9.3,
          title: "openssl: use after free",
          url: "https://security.example/CVE-2026-20001",
        },
      ],
    },
  });
});

test("Grype: the id comes from the help text, the end of the scan from the invocation", () => {
  expect(parseReport(fixture("grype.sarif"), context)).toEqual({
    kind: "report",
    format: "sarif",
    images: [
      {
        registry: "shop.example",
        repository: "pay",
        digests: [],
        tags: ["3.1"],
      },
    ],
    report: {
      state: "complete",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "grype",
        version: "0.121.2",
      },
      scannedAt: "2026-11-21T12:00:00Z",
      findings: [
        {
          id: "CVE-2026-30010",
          severity: "high",
          package: {
            name: "bash",
            version: "5.2.15",
            type: "deb",
            purl: "pkg:deb/debian/bash@5.2.15",
            path: "/var/lib/dpkg/status",
          },
          fix: {
            available: true,
            version: "5.2.16, 5.3.0",
          },
        },
      ],
    },
  });
});

function run(name: string, fields: object): object {
  return { tool: { driver: { name, rules: [] } }, results: [], ...fields };
}

const ended = { invocations: [{ executionSuccessful: true, endTimeUtc: "2026-11-21T12:00:00Z" }] };

test.each<[string, object[] | undefined, unknown]>([
  ["a run that ended", [run("Trivy", ended)], ["complete", undefined]],
  ["no runs", [], ["partial", "$.runs: expected at least one run"]],
  [
    "another tool",
    [run("CodeQL", ended)],
    ["unsupported", "SARIF of CodeQL is not read, only of Trivy and Grype"],
  ],
  [
    "another tool beside",
    [run("CodeQL", ended), run("grype", ended)],
    [
      "partial",
      "$.runs[1]: a run beside one of another tool; SARIF of CodeQL is not read, only of Trivy and Grype",
    ],
  ],
  [
    "one of two runs without an end",
    [run("Trivy", ended), run("Trivy", {})],
    ["pending", "the report does not say when the scan ended"],
  ],
  [
    "a run that failed",
    [run("Trivy", { invocations: [{ executionSuccessful: false, endTimeUtc: "2026-11-21T12:00:00Z" }] })],
    ["failed", "the scanner says that its run did not succeed"],
  ],
  [
    "no results",
    [run("Trivy", { ...ended, results: undefined })],
    ["partial", "$.runs[0].results: expected a list"],
  ],
  [
    "a result without a rule",
    [run("Trivy", { ...ended, results: [{}] })],
    ["partial", "$.runs[0].results[0].ruleId: not the name of a vulnerability"],
  ],
])("state with %s", (_, runs, expected) => {
  const parsed = parseReport({ version: "2.1.0", runs }, context);
  expect(parsed.kind === "report" && [parsed.report.state, parsed.report.reason]).toEqual(expected);
});

test("Grype without its rules: the id is cut out of the rule's", () => {
  const results = ["GHSA-2222-3333-4444-left-pad", "CVE-2026-1000-a"].map((ruleId) => ({ ruleId }));
  const parsed = parseReport({ version: "2.1.0", runs: [run("Grype", { results })] }, context);
  expect(parsed.kind === "report" && parsed.report.findings).toEqual([
    { id: "GHSA-2222-3333-4444", severity: "unknown" },
    { id: "CVE-2026-1000", severity: "unknown" },
  ]);
});

/** What is read from Grype's sentence about a finding. */
function said(text: string) {
  const log = {
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "Grype", rules: [] } },
        results: [{ ruleId: "CVE-2026-1000-x", message: { text } }],
      },
    ],
  };
  const parsed = parseReport(log, context);
  return parsed.kind === "report" ? parsed.report.findings : parsed;
}

test.each([
  [
    "A high vulnerability in npm package: a, version b, version 1.2 was found in image x at: /app/package.json",
    {
      severity: "high",
      package: { name: "a, version b", version: "1.2", type: "npm", path: "/app/package.json" },
    },
  ],
  [
    "A low vulnerability in npm package: a package: b, version  was found in image x",
    { severity: "low", package: { name: "a package: b", type: "npm" } },
  ],
  ["A low vulnerability in npm package: a", { severity: "unknown" }],
  [", version 1", { severity: "unknown" }],
  ["An odd sentence, version 1 was found at: /app", { severity: "unknown" }],
])("Grype: %s", (text, expected) => {
  expect(said(text)).toEqual([{ id: "CVE-2026-1000", ...expected }]);
});

test("Grype: a package whose name repeats the words of the sentence a hundred thousand times", () => {
  const name = `${" package: ".repeat(100_000)}${", version ".repeat(100_000)}`;
  expect(said(`A high vulnerability in npm package: ${name}`)).toEqual([
    { id: "CVE-2026-1000", severity: "unknown" },
  ]);
  const whole = `A high vulnerability in npm package: ${name}, version 1 was found in image x at: ${" at: ".repeat(100_000)}\n`;
  expect(said(whole)).toMatchObject([{ severity: "high", package: { name, version: "1", type: "npm" } }]);
});
