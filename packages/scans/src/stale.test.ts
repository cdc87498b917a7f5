import type { ScanReport } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { markStale } from "./stale.ts";

const now = Date.parse("2026-11-22T10:00:00Z");
const report: ScanReport = { state: "complete", source: "s", trust: { kind: "source" }, findings: [] };

test.each([
  ["just young enough", "2026-11-21T10:00:00Z", "24h", "complete"],
  ["too old", "2026-11-21T09:59:59Z", "24h", "stale"],
  ["of any age, without terms", "2001-01-01T00:00:00Z", undefined, "complete"],
  ["by a clock that is a little ahead", "2026-11-22T10:05:00Z", "24h", "complete"],
  ["in the future", "2026-11-22T10:05:01Z", "24h", "stale"],
  ["at no time that is known", undefined, "24h", "stale"],
  ["at no time that can be read", "yesterday", "24h", "stale"],
])("a scan %s", (_name, scannedAt, maxScanAge, state) => {
  const dated = scannedAt === undefined ? report : { ...report, scannedAt };
  expect(markStale(dated, maxScanAge, now).state).toBe(state);
});

test("only what is complete becomes stale: every other state says more", () => {
  expect(markStale({ ...report, state: "partial" }, "24h", now).state).toBe("partial");
});
