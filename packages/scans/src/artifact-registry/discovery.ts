/**
 * What the discovery occurrences say of an image's analysis
 * (https://cloud.google.com/artifact-analysis/docs/reference/rest/v1/projects.occurrences#discoveryoccurrence).
 */
import type { ScanState } from "@gatehouse/policy";
import { earliest } from "../cloud/cloud-report.ts";
import { asInstant, asRecord, asText } from "../parse/values.ts";

/**
 * What all discovery records of an image come to together: the worst of their states, and the oldest of their scans.
 */
export interface AnalysisState {
  state: ScanState;
  /** Why it is so, for people; absent when it is complete. */
  reason?: string;
  /** RFC 3339; absent where no record says when it was scanned. */
  scannedAt?: string | undefined;
  /** What could not be read, or what the analysis itself could not do. */
  unread?: readonly string[];
}

/** `analysisStatus`. `COMPLETE` is an older name of `FINISHED_SUCCESS`. */
const statuses: Readonly<Record<string, { state: ScanState; reason: string }>> = {
  ANALYSIS_STATUS_UNSPECIFIED: { state: "pending", reason: "the analysis has no status" },
  PENDING: { state: "pending", reason: "the analysis has not begun" },
  SCANNING: { state: "pending", reason: "the analysis is under way" },
  FINISHED_SUCCESS: { state: "complete", reason: "" },
  COMPLETE: { state: "complete", reason: "" },
  FINISHED_FAILED: { state: "failed", reason: "the analysis failed" },
  FINISHED_UNSUPPORTED: { state: "unsupported", reason: "Artifact Analysis does not support this image" },
};

/** Worst first: what decides when records disagree. */
const order: readonly ScanState[] = [
  "unavailable",
  "failed",
  "unsupported",
  "absent",
  "pending",
  "partial",
  "stale",
  "complete",
];

/**
 * An image has a record for each kind of analysis (packages; secrets and others where they are on). All that have a
 * status must have ended well; a record without one, such as that of a list of contents only, counts when it is alone.
 */
export function analysisState(occurrences: readonly unknown[], now: number): AnalysisState {
  const all = occurrences.map((one) => asRecord(asRecord(one)?.["discovery"]));
  const records = all.filter((record) => record !== undefined);
  const unread = [
    ...(records.length < all.length ? ["a discovery occurrence without a record"] : []),
    ...records.flatMap(errorsOf),
  ];
  if (all.length === 0) return { state: "absent", reason: "Artifact Analysis has no record of this image" };
  const rated = records.filter((record) => record["analysisStatus"] !== undefined);
  const judged = (rated.length > 0 ? rated : records).map((record) => judge(record, now));
  const [worst] = judged.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  // The oldest of several scans: no part of what is known is older.
  const scannedAt = earliest(judged.map((one) => one.scannedAt));
  const unreadable = { state: "unavailable" as const, reason: "no discovery record could be read" };
  return { ...(worst ?? unreadable), scannedAt, ...(unread.length === 0 ? {} : { unread }) };
}

/** What went wrong in an analysis that may have ended well otherwise, such as for one kind of packages. */
function errorsOf(record: Readonly<Record<string, unknown>>): string[] {
  const errors = record["analysisError"];
  if (errors === undefined || errors === null) return [];
  if (!Array.isArray(errors)) return ["analysisError: expected a list"];
  return errors.map(
    (error) =>
      `the analysis met an error: ${asText(asRecord(error)?.["message"]) ?? "it does not say which"}`,
  );
}

function judge(record: Readonly<Record<string, unknown>>, now: number): AnalysisState {
  const status = record["analysisStatus"] ?? "ANALYSIS_STATUS_UNSPECIFIED";
  const known = typeof status === "string" && Object.hasOwn(statuses, status) ? statuses[status] : undefined;
  if (known === undefined)
    return {
      state: "unavailable",
      reason: `Artifact Analysis answers a status that is not known here: ${JSON.stringify(status)}`,
    };
  const scannedAt = asInstant(record["lastScanTime"]);
  if (known.state !== "complete") {
    const message = asText(asRecord(record["analysisStatusError"])?.["message"]);
    return {
      state: known.state,
      reason: message === undefined ? known.reason : `${known.reason} (${message})`,
      scannedAt,
    };
  }
  if (scannedAt === undefined)
    return { state: "pending", reason: "the analysis does not say when it last scanned" };
  const archived = asInstant(record["archiveTime"]);
  if (archived !== undefined && Date.parse(archived) <= now)
    return { state: "stale", reason: `the analysis was archived on ${archived}`, scannedAt };
  // The status speaks of the first scan only; what keeps it true is that the analysis goes on.
  const going = record["continuousAnalysis"];
  if (going === "ACTIVE") return { state: "complete", scannedAt };
  return {
    state: "stale",
    reason:
      going === "INACTIVE"
        ? "the image was not pulled for 30 days, so its analysis has stopped; pull it or push it again"
        : "Artifact Analysis does not say that its analysis goes on",
    scannedAt,
  };
}
