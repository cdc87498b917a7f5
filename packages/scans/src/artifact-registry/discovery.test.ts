import type { ScanState } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { analysisState } from "./discovery.ts";
import { googleSeverity } from "./vulnerability.ts";

const now = Date.parse("2026-11-22T10:00:00Z");
const record = (discovery: object): object => ({ kind: "DISCOVERY", discovery });
const good = {
  analysisStatus: "FINISHED_SUCCESS",
  continuousAnalysis: "ACTIVE",
  lastScanTime: "2026-11-22T09:00:00Z",
};

test.each<[unknown, ScanState]>([
  ["ANALYSIS_STATUS_UNSPECIFIED", "pending"],
  ["PENDING", "pending"],
  ["SCANNING", "pending"],
  ["FINISHED_SUCCESS", "complete"],
  ["COMPLETE", "complete"],
  ["FINISHED_FAILED", "failed"],
  ["FINISHED_UNSUPPORTED", "unsupported"],
  ["FINISHED_SUCCESSFULLY", "unavailable"],
  ["toString", "unavailable"],
  [3, "unavailable"],
  [undefined, "pending"],
])("analysisStatus %s is %s", (analysisStatus, expected) => {
  expect(analysisState([record({ ...good, analysisStatus })], now).state).toBe(expected);
});

test.each<[string, object, ScanState]>([
  ["without the time of the last scan", { lastScanTime: undefined }, "pending"],
  ["with a time that is none", { lastScanTime: "yesterday" }, "pending"],
  ["that has stopped", { continuousAnalysis: "INACTIVE" }, "stale"],
  ["that does not say whether it goes on", { continuousAnalysis: undefined }, "stale"],
  ["that leaves it open", { continuousAnalysis: "CONTINUOUS_ANALYSIS_UNSPECIFIED" }, "stale"],
  ["that says it in a word not known", { continuousAnalysis: "PAUSED" }, "stale"],
  ["that was archived", { archiveTime: "2026-11-22T09:59:59Z" }, "stale"],
  ["that will be archived", { archiveTime: "2026-11-22T10:00:01Z" }, "complete"],
])("an analysis %s", (_what, changes, expected) => {
  expect(analysisState([record({ ...good, ...changes })], now).state).toBe(expected);
});

test("no record is no scan", () => {
  expect(analysisState([], now).state).toBe("absent");
});

test("all records that have a status must have ended well, and the oldest scan dates them", () => {
  const older = { ...good, lastScanTime: "2026-11-20T09:00:00Z" };
  expect(analysisState([record(good), record(older)], now)).toEqual({
    state: "complete",
    scannedAt: "2026-11-20T09:00:00Z",
  });
  expect(analysisState([record(good), record({ ...good, analysisStatus: "SCANNING" })], now).state).toBe(
    "pending",
  );
  expect(
    analysisState(
      [
        record({ ...good, analysisStatus: "FINISHED_FAILED" }),
        record({ ...good, analysisStatus: "SCANNING" }),
      ],
      now,
    ).state,
  ).toBe("failed");
});

test("errors of an analysis that ended well, and records that cannot be read, are told", () => {
  const analysisError = [{ code: 3, message: "no Maven" }, {}];
  expect(analysisState([record({ ...good, analysisError }), { kind: "DISCOVERY" }], now)).toEqual({
    state: "complete",
    scannedAt: "2026-11-22T09:00:00Z",
    unread: [
      "a discovery occurrence without a record",
      "the analysis met an error: no Maven",
      "the analysis met an error: it does not say which",
    ],
  });
  expect(analysisState([{ kind: "DISCOVERY" }], now)).toEqual({
    state: "unavailable",
    reason: "no discovery record could be read",
    unread: ["a discovery occurrence without a record"],
  });
});

test("a record of contents alone says nothing of vulnerabilities", () => {
  const contents = record({ sbomStatus: { sbomState: "COMPLETE" } });
  expect(analysisState([contents, record(good)], now).state).toBe("complete");
  expect(analysisState([contents], now).state).toBe("pending");
});

test.each([
  [["CRITICAL"], "critical"],
  [["HIGH"], "high"],
  [["MEDIUM"], "medium"],
  [["LOW"], "low"],
  [["MINIMAL"], "negligible"],
  [["SEVERITY_UNSPECIFIED"], "unknown"],
  [["SEVERE"], "unknown"],
  [[undefined, "HIGH"], "high"],
  [["SEVERITY_UNSPECIFIED", undefined, "LOW"], "low"],
  [["SEVERE", "LOW"], "unknown"],
  [[3, "LOW"], "unknown"],
  [["LOW", "CRITICAL"], "low"],
  [[], "unknown"],
])("severities %o are %s", (words, expected) => {
  expect(googleSeverity(...words)).toBe(expected);
});
