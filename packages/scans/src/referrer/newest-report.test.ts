import type { Finding, ReportTrust, ScanReport } from "@gatehouse/policy";
import { expect, test } from "vitest";
import type { ParsedReport } from "../parse/parsed.ts";
import { newestReport } from "./newest-report.ts";

const signed: ReportTrust = { kind: "signed", identity: "key sha256:1" };
const unsigned: ReportTrust = { kind: "unsigned" };
const [one, two] = ["CVE-2026-1", "CVE-2026-2"].map((id): Finding => ({ id, severity: "high" })) as [
  Finding,
  Finding,
];

function report(trust: ReportTrust, day: number, findings: Finding[], over: Partial<ScanReport> = {}) {
  const scannedAt = `2026-11-${String(day).padStart(2, "0")}T08:00:00Z`;
  const whole: ScanReport = { state: "complete", source: "attached", trust, scannedAt, findings, ...over };
  return { kind: "report", format: "trivy", images: [], report: whole } as const satisfies ParsedReport;
}

const oldSigned = report(signed, 10, [one]);

test.each([
  ["no report", [], undefined],
  ["a newer signed one", [oldSigned, report(signed, 12, [])], report(signed, 12, [])],
  ["an unsigned one alone", [report(unsigned, 12, [])], report(unsigned, 12, [])],
  ["a newer unsigned one that is clean takes nothing away", [oldSigned, report(unsigned, 12, [])], oldSigned],
  ["an older unsigned one adds nothing", [oldSigned, report(unsigned, 9, [two])], oldSigned],
  [
    "a newer unsigned one adds what it finds, and the whole is unsigned",
    [report(unsigned, 12, [one, two]), oldSigned],
    report(unsigned, 10, [one, two]),
  ],
  [
    "a newer unsigned one that rates a finding worse",
    [report(unsigned, 12, [{ ...one, severity: "critical" }]), oldSigned],
    report(unsigned, 10, [one, { ...one, severity: "critical" }]),
  ],
  [
    "a newer unsigned one that is not whole",
    [oldSigned, report(unsigned, 12, [], { state: "partial", reason: "a layer is missing" })],
    report(unsigned, 10, [one], { state: "partial", reason: "a layer is missing" }),
  ],
  [
    "a signed one that is not whole is not made whole",
    [report(signed, 10, [], { state: "failed", reason: "no disk" }), report(unsigned, 12, [])],
    report(signed, 10, [], { state: "failed", reason: "no disk" }),
  ],
  [
    "an unsigned one from the future is the newest for ever, and still only adds",
    [oldSigned, report(unsigned, 12, [], { scannedAt: "9999-12-31T23:59:59Z" })],
    oldSigned,
  ],
  [
    "one without a time is older than all",
    [report(unsigned, 12, [two], { scannedAt: undefined as never }), oldSigned],
    oldSigned,
  ],
] satisfies [string, ParsedReport[], ParsedReport | undefined][])("%s", (_name, reports, expected) => {
  expect(newestReport(reports)).toEqual(expected?.report);
});
