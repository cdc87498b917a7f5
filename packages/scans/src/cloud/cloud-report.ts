import { oneLine, type ScanReport, type ScanState } from "@gatehouse/policy";
import { mergeFindings } from "../parse/merge.ts";
import type { RawFinding } from "../parse/parsed.ts";
import { asInstant, defined } from "../parse/values.ts";
import { RegistryError } from "../registry/errors.ts";

/** What a cloud says of a scan, before the report follows from it. */
export interface CloudScan {
  state: ScanState;
  /** Why it is so. */
  reason?: string | undefined;
  /** When a scan ended, in RFC 3339. Without it nothing is complete. */
  scannedAt?: string | undefined;
  scanner?: ScanReport["scanner"];
  findings: readonly RawFinding[];
  ruledOut?: readonly { id: string; reason: string }[];
  /** What could not be read: a complete scan with any of it is partial. */
  unread?: readonly string[];
}

const namedProblems = 3;

/**
 * The report of a scan that a cloud's own interface gave. The last look at what no state may slip past: complete needs
 * everything read, and a time at which a scan ended.
 */
export function cloudReport(source: string, scan: CloudScan): ScanReport {
  const unread = scan.unread ?? [];
  let { state, reason } = scan;
  if (state === "complete" && unread.length > 0) {
    state = "partial";
    const rest = unread.length - namedProblems;
    reason = unread.slice(0, namedProblems).join("; ") + (rest > 0 ? `; and ${rest} more` : "");
  }
  if (state === "complete" && scan.scannedAt === undefined) {
    state = "pending";
    reason = "nothing says when the scan ended";
  }
  const { ruledOut = [] } = scan;
  return defined({
    state,
    reason: reason === undefined ? undefined : oneLine(reason, 300),
    source,
    trust: { kind: "source" as const },
    scanner: scan.scanner,
    scannedAt: scan.scannedAt,
    findings: mergeFindings(scan.findings),
    ruledOut: ruledOut.length === 0 ? undefined : ruledOut,
  });
}

/** The report of a question that brought no answer. */
export function unanswered(source: string, error: unknown): ScanReport {
  const unsupported = error instanceof RegistryError && error.code === "unsupported";
  return cloudReport(source, {
    state: unsupported ? "unsupported" : "unavailable",
    reason: error instanceof Error ? error.message : "no answer",
    findings: [],
  });
}

/** A moment as AWS writes it in JSON, seconds since 1970, or as RFC 3339. */
export function asMoment(value: unknown): string | undefined {
  if (typeof value !== "number") return asInstant(value);
  // Seconds from 1970 to 2100; anything else is no time at which a scan ended.
  if (!(value > 0 && value < 4_102_444_800)) return undefined;
  return asInstant(new Date(Math.trunc(value * 1000)).toISOString());
}

/** The latest of moments in RFC 3339, of which some may be unknown; undefined when all are. */
export function latest(moments: readonly (string | undefined)[]): string | undefined {
  return byTime(moments).at(-1);
}

/** The earliest of moments in RFC 3339, of which some may be unknown; undefined when all are. */
export function earliest(moments: readonly (string | undefined)[]): string | undefined {
  return byTime(moments)[0];
}

function byTime(moments: readonly (string | undefined)[]): string[] {
  return moments.filter((one) => one !== undefined).sort((a, b) => Date.parse(a) - Date.parse(b));
}
