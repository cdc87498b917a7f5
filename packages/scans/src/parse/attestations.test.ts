import { expect, test } from "vitest";
import { fixture } from "./fixtures.test-support.ts";
import { parseReport } from "./report.ts";

const context = { source: "folder", trust: { kind: "source" } } as const;

test("in-toto v0.2: entries that only annotations tell apart both count", () => {
  expect(parseReport(fixture("in-toto-vulns-0.2.json"), context)).toEqual({
    kind: "report",
    format: "in-toto-vulns",
    images: [
      {
        registry: "shop.example",
        repository: "cart",
        digests: ["sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"],
        tags: [],
      },
    ],
    report: {
      state: "complete",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "pkg:generic/scanner",
        version: "2.4.0",
        databaseUpdatedAt: "2026-11-21T00:00:00Z",
      },
      scannedAt: "2026-11-21T03:02:00Z",
      findings: [
        {
          id: "CVE-2026-20001",
          severity: "critical",
          cvss: 9.8,
        },
        {
          id: "CVE-2026-20001",
          severity: "critical",
        },
        {
          id: "CVE-2026-20008",
          severity: "medium",
          cvss: 5.2,
        },
        {
          id: "CVE-2026-20009",
          severity: "unknown",
        },
      ],
    },
  });
});

test("in-toto v0.1, with the fields in either place", () => {
  expect(parseReport(fixture("in-toto-vulns-0.1.json"), context)).toEqual({
    kind: "report",
    format: "in-toto-vulns",
    images: [
      {
        registry: "shop.example",
        repository: "cart",
        digests: ["sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"],
        tags: ["2.0"],
      },
    ],
    report: {
      state: "complete",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "pkg:generic/scanner",
        databaseUpdatedAt: "2026-11-20T00:00:00Z",
      },
      scannedAt: "2026-11-20T03:02:00Z",
      findings: [
        {
          id: "CVE-2026-20001",
          severity: "high",
        },
        {
          id: "CVE-2026-20002",
          severity: "low",
          epss: 0.25,
        },
      ],
    },
  });
});

test("cosign: the report inside, the subject's digest, the time around it", () => {
  expect(parseReport(fixture("cosign-vuln.json"), context)).toEqual({
    kind: "report",
    format: "cosign-vuln",
    images: [
      {
        registry: "shop.example",
        repository: "cart",
        digests: ["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
        tags: ["1.0"],
      },
    ],
    report: {
      state: "complete",
      source: "folder",
      trust: {
        kind: "source",
      },
      scanner: {
        name: "trivy",
      },
      scannedAt: "2022-12-20T10:00:05Z",
      findings: [
        {
          id: "CVE-2022-3996",
          severity: "high",
          package: {
            name: "libssl3",
            version: "3.0.7-r0",
            type: "apk",
          },
          fix: {
            available: true,
            version: "3.0.7-r2",
          },
        },
      ],
    },
  });
});

test("an envelope, and a bundle around it, are read as what they hold", () => {
  const text = fixture("in-toto-vulns-0.2.json");
  const envelope = {
    payloadType: "application/vnd.in-toto+json",
    payload: btoa(text),
    signatures: [{ keyid: "", sig: "" }],
  };
  const plain = parseReport(text, context);
  expect(parseReport(envelope, context)).toEqual(plain);
  expect(
    parseReport(
      { mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", dsseEnvelope: envelope },
      context,
    ),
  ).toEqual(plain);
});

test.each<[string, unknown, string]>([
  [
    "an envelope around something else",
    { payloadType: "text/plain", payload: "aGk=" },
    "expected an envelope around application/vnd.in-toto+json",
  ],
  [
    "a statement about something else",
    {
      _type: "https://in-toto.io/Statement/v1",
      predicateType: "https://slsa.dev/provenance/v1",
      predicate: {},
    },
    "a Statement about https://slsa.dev/provenance/v1, not about vulnerabilities",
  ],
])("%s is no report", (_, document, reason) => {
  expect(parseReport(document, context)).toEqual({ kind: "not-a-report", reason });
});

test("the predicate alone, as `trivy --format cosign-vuln` writes it", () => {
  const { predicate } = JSON.parse(fixture("cosign-vuln.json")) as { predicate: unknown };
  const parsed = parseReport(predicate, context);
  expect(
    parsed.kind === "report" && [parsed.format, parsed.report.state, parsed.report.findings.length],
  ).toEqual(["cosign-vuln", "complete", 1]);
});

const finished = { scanStartedOn: "2026-11-21T10:00:00Z", scanFinishedOn: "2026-11-21T10:01:00Z" };
const vulns = "https://in-toto.io/attestation/vulns/v0.2";
const cosign = "https://cosign.sigstore.dev/attestation/vuln/v1";

test.each<[string, string, unknown, unknown]>([
  ["an empty result", vulns, { scanner: { result: [] }, metadata: finished }, ["complete", undefined]],
  [
    "an empty list as Go writes it",
    vulns,
    { scanner: { result: null }, metadata: finished },
    ["complete", undefined],
  ],
  [
    "no result",
    vulns,
    { scanner: {}, metadata: finished },
    ["partial", "$.predicate.scanner.result: expected a list"],
  ],
  [
    "no predicate",
    vulns,
    undefined,
    ["partial", "$.predicate.scanner: expected an object; $.predicate.scanner.result: expected a list"],
  ],
  [
    "no end of the scan",
    vulns,
    { scanner: { result: [] } },
    ["pending", "the report does not say when the scan ended"],
  ],
  [
    "an entry without an id",
    vulns,
    { scanner: { result: [{}] }, metadata: finished },
    ["partial", "$.predicate.scanner.result[0].id: not the name of a vulnerability"],
  ],
  [
    "a report of another scanner",
    cosign,
    { scanner: { result: { findings: [] } }, metadata: finished },
    ["unsupported", "$.predicate.scanner.result: expected a report of Trivy or Grype"],
  ],
  ["nothing", cosign, {}, ["unsupported", "$.predicate.scanner: expected a report of Trivy or Grype"]],
  [
    "an unreadable entry",
    cosign,
    { scanner: { result: { matches: [7], descriptor: {} } }, metadata: finished },
    ["partial", "$.predicate.scanner.result.matches[0]: expected an object"],
  ],
])("state with %s", (_, predicateType, predicate, expected) => {
  const parsed = parseReport(
    { _type: "https://in-toto.io/Statement/v1", subject: [], predicateType, predicate },
    context,
  );
  expect(parsed.kind === "report" && [parsed.report.state, parsed.report.reason]).toEqual(expected);
});

test("of two times the earlier holds, so that attesting a report does not make it younger", () => {
  const result = { matches: [], descriptor: { name: "grype", timestamp: "2026-11-01T00:00:00Z" } };
  const predicate = { scanner: { result }, metadata: finished };
  const parsed = parseReport(
    { _type: "https://in-toto.io/Statement/v1", subject: [], predicateType: cosign, predicate },
    context,
  );
  expect(parsed.kind === "report" && parsed.report.scannedAt).toBe("2026-11-01T00:00:00Z");
});
