import type { ScanReport } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { markStale } from "./stale.ts";

const now = Date.parse("2026-11-22T10:00:00Z");
const report: ScanReport = { state: "complete", source: "s", trust: { kind: "source" }, findings: [] };
const tooOld = (when: string): string => `scanned ${when}; s takes none older than 24h`;
const toCome = (when: string): string => `scanned ${when}, which is still to come`;

test.each([
  ["just young enough", "2026-11-21T10:00:00Z", "24h", undefined],
  ["too old", "2026-11-21T09:59:59Z", "24h", tooOld("2026-11-21T09:59:59Z")],
  ["of any age, without terms", "2001-01-01T00:00:00Z", undefined, undefined],
  ["by a clock that is a little ahead", "2026-11-22T10:05:00Z", "24h", undefined],
  ["in the future", "2026-11-22T10:05:01Z", "24h", toCome("2026-11-22T10:05:01Z")],
  ["in the future, without terms", "9999-12-31T23:59:59Z", undefined, toCome("9999-12-31T23:59:59Z")],
  ["at no time that is known", undefined, "24h", tooOld("no one knows when")],
  ["at no time that can be read", "yesterday", "24h", tooOld("yesterday")],
])("a scan %s", (_name, scannedAt, maxScanAge, reason) => {
  const dated = scannedAt === undefined ? report : { ...report, scannedAt };
  expect(markStale(dated, maxScanAge, now)).toEqual(
    reason === undefined ? dated : { ...dated, state: "stale", reason },
  );
});

test("only what is complete becomes stale: every other state says more", () => {
  const partial: ScanReport = { ...report, state: "partial", scannedAt: "9999-12-31T23:59:59Z" };
  expect(markStale(partial, "24h", now)).toEqual(partial);
});
