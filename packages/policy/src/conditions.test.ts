/** What the richest peers' rules can say, each shown by a rule of ours that says the same. */
import { describe, expect, test } from "vitest";
import {
  allOf,
  anyOf,
  definePolicy,
  deny,
  findings,
  imageOlderThan,
  scanOlderThan,
  states,
  unsignedReport,
} from "./build.ts";
import { decide } from "./decide.ts";
import type { Finding } from "./finding.ts";
import type { Condition, Exemption, StateActions } from "./model.ts";
import type { IncompleteState, PlatformScan, ScanReport } from "./scan.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const digest = `sha256:${"b".repeat(64)}`;
const plain: Finding = {
  id: "CVE-2026-1000",
  severity: "medium",
  package: { name: "zlib", version: "1.2", type: "deb" },
  fix: { available: false },
  cvss: 5,
  epss: 0.01,
  knownExploited: false,
  publishedAt: "2026-11-01T00:00:00Z",
  firstSeenAt: "2026-11-10T00:00:00Z",
};
const fixed = { available: true, version: "1.3", since: "2026-11-05T00:00:00Z" } as const;

interface Case {
  when: Condition;
  onScan?: StateActions;
  exemptions?: Record<string, Exemption>;
  /** Findings, or more of the scan, that the rule lets through; and that it denies. */
  admits: readonly Seen[];
  denies: readonly Seen[];
}
type Seen = readonly Partial<Finding>[] | (Partial<ScanReport> & Pick<PlatformScan, "createdAt">);

function outcome({ when, onScan = states.lenient, exemptions = {} }: Case, seen: Seen) {
  const policy = definePolicy({
    rules: { rule: deny({ description: "d", when, onScan }) },
    exemptions: exemptions as never,
    defaultRule: false,
  });
  const { createdAt, ...report } = Array.isArray(seen)
    ? { findings: seen }
    : (seen as Exclude<Seen, readonly unknown[]>);
  const scan: PlatformScan = {
    digest,
    ...(createdAt === undefined ? {} : { createdAt }),
    report: {
      state: "complete",
      source: "s",
      trust: { kind: "source" },
      scannedAt: "2026-11-21T00:00:00Z",
      ...report,
      findings: (report.findings ?? []).map((finding, index) => ({
        ...plain,
        id: `CVE-2026-${1000 + index}`,
        ...finding,
      })),
    },
  };
  const subject = {
    cluster: { name: "c" },
    namespace: { name: "n", labels: {} },
    object: { kind: "Pod", name: "p", labels: {} },
    pod: "p",
    workload: { resolved: true as const, kind: "Pod", name: "p" },
    images: [
      { path: "spec.containers[0].image", reference: "r.io/a:1", name: "a", kind: "container" as const },
    ],
  };
  return decide(policy, subject, new Map([["r.io/a:1", { digest, platforms: [scan] }]]), now).outcome;
}

const until = (exemption: Partial<Exemption>): Record<string, Exemption> => ({
  e: { reason: "r", owner: "o", until: "2026-12-01", ...exemption },
});

test("an age that its author dates into the future is unknown, not young", () => {
  const ages: Case = { when: imageOlderThan("90d"), admits: [], denies: [] };
  expect(outcome(ages, { createdAt: "2026-11-23T11:00:00Z" })).toBe("allow");
  expect(outcome(ages, { createdAt: "2099-01-01T00:00:00Z" })).toBe("deny");
  const lenient: Case = { ...ages, when: imageOlderThan("90d", { ifUnknown: "skip" }) };
  expect(outcome(lenient, { createdAt: "2099-01-01T00:00:00Z" })).toBe("allow");
  const scanned: Case = { ...ages, when: scanOlderThan("7d") };
  expect(outcome(scanned, { scannedAt: "2026-11-23T11:00:00Z" })).toBe("allow");
  expect(outcome(scanned, { scannedAt: "2099-01-01T00:00:00Z" })).toBe("deny");
});

const peers: Record<string, Record<string, Case>> = {
  StackRox: {
    severity: { when: findings({ minSeverity: "high" }), admits: [[{}]], denies: [[{ severity: "high" }]] },
    CVE: { when: findings({ cves: "CVE-2026-9*" }), admits: [[{}]], denies: [[{ id: "CVE-2026-9999" }]] },
    CVSS: { when: findings({ minCvss: 7.5 }), admits: [[{ cvss: 7.4 }]], denies: [[{ cvss: 7.5 }]] },
    fixable: { when: findings({ fixAvailable: true }), admits: [[{}]], denies: [[{ fix: fixed }]] },
    "fixed by": {
      when: findings({ fixedIn: "1.3*" }),
      admits: [[{}], [{ fix: { available: true, version: "2.0" } }]],
      denies: [[{ fix: fixed }]],
    },
    "image age": {
      when: imageOlderThan("90d"),
      admits: [{ createdAt: "2026-10-01T00:00:00Z" }],
      denies: [{ createdAt: "2026-07-01T00:00:00Z" }, {}],
    },
    "scan age": {
      when: scanOlderThan("7d"),
      admits: [{}],
      denies: [{ scannedAt: "2026-11-01T00:00:00Z" }],
    },
    "days since published": {
      when: findings({ publishedFor: "14d" }),
      admits: [[{ publishedAt: "2026-11-20T00:00:00Z" }]],
      denies: [[{}]],
    },
    "days since fix available": {
      when: findings({ fixAvailableFor: "14d" }),
      admits: [[{}], [{ fix: { ...fixed, since: "2026-11-20T00:00:00Z" } }]],
      denies: [[{ fix: fixed }]],
    },
    "days since first seen": {
      when: findings({ firstSeenFor: "10d" }),
      admits: [[{ firstSeenAt: "2026-11-20T00:00:00Z" }]],
      denies: [[{}]],
    },
    unscanned: {
      when: findings({ minSeverity: "critical" }),
      onScan: { ...states.lenient, absent: "deny" },
      admits: [{}, { state: "pending" }],
      denies: [{ state: "absent" }],
    },
  },
  NeuVector: {
    "count per severity": {
      when: findings({ severity: "high", atLeast: 2 }),
      admits: [[{ severity: "high" }, { severity: "critical" }]],
      denies: [[{ severity: "high" }, { severity: "high" }]],
    },
    "count with a fix": {
      when: findings({ fixAvailable: true, atLeast: 2 }),
      admits: [[{ fix: fixed }, {}]],
      denies: [[{ fix: fixed }, { fix: fixed }]],
    },
    "CVE names": {
      when: findings({ cves: ["CVE-2026-1000", "CVE-2026-1001"] }),
      admits: [[{ id: "CVE-2026-7" }]],
      denies: [[{}]],
    },
    "CVSS score with count": {
      when: findings({ minCvss: 9, atLeast: 2 }),
      admits: [[{ cvss: 9 }, {}]],
      denies: [[{ cvss: 9 }, { cvss: 9.8 }]],
    },
    "published days": {
      when: findings({ publishedFor: "3w" }),
      admits: [[{ publishedAt: "2026-11-02T00:00:00Z" }]],
      denies: [[{}]],
    },
    scanned: {
      when: findings({ minSeverity: "critical" }),
      onScan: states.strict,
      admits: [{}],
      denies: [{ state: "unavailable" }, { state: "stale" }],
    },
    signed: {
      when: unsignedReport(),
      admits: [{ trust: { kind: "signed", identity: "i" } }],
      denies: [{ trust: { kind: "unsigned" } }],
    },
    modules: {
      when: findings({ packages: "log4j-*", packageTypes: "maven" }),
      admits: [[{}], [{ package: { name: "log4j-core", type: "npm" } }]],
      denies: [[{ package: { name: "log4j-core", type: "maven" } }]],
    },
  },
  "Anchore and Prisma": {
    "grace days by severity": {
      when: anyOf(
        findings({ severity: "critical", fixAvailableFor: "7d" }),
        findings({ severity: "high", fixAvailableFor: "30d" }),
      ),
      admits: [[{ severity: "high", fix: fixed }]],
      denies: [[{ severity: "critical", fix: fixed }]],
    },
    "fix-only": {
      when: findings({ minSeverity: "high", fixAvailable: true }),
      admits: [[{ severity: "critical" }]],
      denies: [[{ severity: "high", fix: fixed }]],
    },
    "exceptions with expiry": {
      when: findings({ minSeverity: "high" }),
      exemptions: {
        ...until({ cves: "CVE-2026-1000" }),
        old: { reason: "r", owner: "o", until: "2026-11-21", cves: "CVE-2026-1001" },
      },
      admits: [[{ severity: "high" }]],
      denies: [[{ severity: "high", id: "CVE-2026-1001" }]],
    },
  },
  Kritis: {
    "maximum fixable and unfixable severity": {
      when: anyOf(
        findings({ minSeverity: "high", fixAvailable: true }),
        findings({ minSeverity: "critical", fixAvailable: false }),
      ),
      admits: [[{ severity: "high" }], [{ severity: "medium", fix: fixed }]],
      denies: [[{ severity: "high", fix: fixed }], [{ severity: "critical" }]],
    },
    "allow-listed CVEs": {
      when: findings({ minSeverity: "high", cves: ["!CVE-2026-1000"] }),
      admits: [[{ severity: "high" }]],
      denies: [[{ severity: "high", id: "CVE-2026-5" }]],
    },
  },
  Kubewarden: {
    "totals per severity": {
      when: anyOf(
        findings({ severity: "critical" }),
        findings({ severity: "high", atLeast: 3 }),
        findings({ severity: "medium", atLeast: 4 }),
      ),
      admits: [[{}, {}, { severity: "high" }]],
      denies: [[{}, {}, {}, {}], [{ severity: "critical" }]],
    },
  },
  Kubescape: {
    "exceptions that expire on fix": {
      when: findings({ minSeverity: "high" }),
      exemptions: until({ cves: "CVE-2026-1000", untilFixed: true }),
      admits: [[{ severity: "high" }]],
      denies: [[{ severity: "high", fix: fixed }]],
    },
  },
  "Defender gated deployment": {
    "more than N findings at a severity or above": {
      when: findings({ minSeverity: "high", atLeast: 3 }),
      admits: [[{ severity: "high" }, { severity: "critical" }]],
      denies: [[{ severity: "high" }, { severity: "high" }, { severity: "critical" }]],
    },
    "a list of CVE ids": {
      when: findings({ cves: ["CVE-2026-1000"] }),
      admits: [[{ id: "CVE-1" }]],
      denies: [[{}], [{ id: "GHSA-x", aliases: ["CVE-2026-1000"] }]],
    },
  },
  "this gate, beyond them": {
    "known exploited": {
      when: findings({ knownExploited: true }),
      admits: [[{}]],
      denies: [[{ knownExploited: true }]],
    },
    EPSS: { when: findings({ minEpss: 0.5 }), admits: [[{}]], denies: [[{ epss: 0.5 }]] },
    "all of several conditions": {
      when: allOf(findings({ minSeverity: "high" }), scanOlderThan("12h")),
      admits: [[{}]],
      denies: [[{ severity: "high" }]],
    },
    "a negated filter": {
      when: findings({ minSeverity: "high", not: { packages: "linux*" } }),
      admits: [[{ severity: "high", package: { name: "linux-libc-dev" } }]],
      denies: [[{ severity: "high" }]],
    },
  },
};

describe.each(Object.entries(peers))("%s", (_, cases) => {
  test.each(Object.entries(cases))("%s", (_, one) => {
    expect({
      admits: one.admits.map((seen) => outcome(one, seen)),
      denies: one.denies.map((seen) => outcome(one, seen)),
    }).toEqual({ admits: one.admits.map(() => "allow"), denies: one.denies.map(() => "deny") });
  });
});

describe("an attribute that the source does not know counts, unless the filter skips it", () => {
  const unknown: Finding = { id: "X-1", severity: "unknown" };
  test.each([
    ["severity", { minSeverity: "low" }],
    ["severity", { severity: "low" }],
    ["cvss", { minCvss: 1 }],
    ["epss", { minEpss: 0.1 }],
    ["knownExploited", { knownExploited: true }],
    ["fix", { fixAvailable: true }],
    ["fix.version", { fixedIn: "1" }],
    ["fix.since", { fixAvailableFor: "1d" }],
    ["publishedAt", { publishedFor: "1d" }],
    ["firstSeenAt", { firstSeenFor: "1d" }],
    ["package", { packages: "openssl" }],
    ["package.type", { packageTypes: "deb" }],
    ["package", { not: { packages: "openssl" } }],
  ] as const)("%s in %j", (attribute, filter) => {
    const judged = (ifUnknown: "match" | "skip") => {
      const policy = definePolicy({
        rules: {
          r: deny({ description: "d", when: findings({ ...filter, ifUnknown }), onScan: states.lenient }),
        },
        defaultRule: false,
      });
      const report: ScanReport = {
        state: "complete",
        source: "s",
        trust: { kind: "source" },
        scannedAt: "2026-11-22T00:00:00Z",
        findings: [unknown],
      };
      const image = { path: "p", reference: "r.io/a:1", name: "a", kind: "container" as const };
      const subject = {
        cluster: { name: "c" },
        namespace: { name: "n" },
        object: { kind: "Pod", name: "p", labels: {} },
        pod: "p",
        workload: { resolved: false as const, reason: "" },
        images: [image],
      };
      const rule = decide(policy, subject, new Map([["r.io/a:1", { platforms: [{ report }] }]]), now)
        .images[0]?.rules[0];
      return [rule?.outcome, rule?.couldNotTell];
    };
    const told = [{ attribute, finding: "X-1" }];
    expect([judged("match"), judged("skip")]).toEqual([
      ["deny", told],
      ["allow", told],
    ]);
  });
});

test.each([
  "pending",
  "partial",
  "failed",
  "unsupported",
  "absent",
  "stale",
  "unavailable",
] satisfies IncompleteState[])("an exemption by state excuses %s", (state) => {
  const one: Case = {
    when: findings({ minSeverity: "critical" }),
    onScan: states.strict,
    exemptions: until({ states: [state] }),
    admits: [],
    denies: [],
  };
  expect([outcome(one, { state }), outcome({ ...one, exemptions: {} }, { state })]).toEqual([
    "allow",
    "deny",
  ]);
});
