import type { Finding, IncompleteState, Instant, Platform, ReportTrust, ScanReport } from "@gatehouse/policy";

/** The formats that are read. */
export type ReportFormat = "trivy" | "grype" | "sarif" | "in-toto-vulns" | "cosign-vuln";

/** Who hands the document in, and what vouches for it. */
export interface ParseContext {
  /** Name of the source. */
  source: string;
  trust: ReportTrust;
}

/** One repository that a report says its image is in; without registry and repository, the image by digest alone. */
export interface ReportedImage {
  registry?: string;
  repository?: string;
  digests: readonly string[];
  tags: readonly string[];
}

/** A document that was recognised as a scan report. */
export interface ParsedReport {
  kind: "report";
  format: ReportFormat;
  /** What the report says it is about. Empty when it does not say. */
  images: readonly ReportedImage[];
  platform?: Platform;
  report: ScanReport;
  /** When the image was built, where the report carries the image's configuration. */
  createdAt?: Instant;
}

/** A document that is not a scan report of a format read here; never the same as a report without findings. */
export interface NotAReport {
  kind: "not-a-report";
  /** One line: what was expected against what came. */
  reason: string;
}

/** A report, or why the document is none. */
export type ParseResult = ParsedReport | NotAReport;

/** A finding on its way to a report. */
export interface RawFinding {
  finding: Finding;
  /**
   * Whatever in the raw entry says which package it is about: two entries that differ in it are two findings, also
   * where what differs is not read.
   */
  distinct: string;
}

/** What a format's reader makes of a document, before the state of the report follows from it. */
export interface RawReport {
  format: ReportFormat;
  images: ReportedImage[];
  platform?: Platform;
  createdAt?: Instant;
  scanner?: { name: string; version?: string; databaseUpdatedAt?: Instant };
  /** When the scan ended. */
  scannedAt?: Instant;
  findings: RawFinding[];
  ruledOut: { id: string; reason: string }[];
  /** What could not be read: a JSON path and what is wrong there. Any makes the report partial. */
  unread: string[];
  /** Why the scan is not a whole one although its document was read. */
  shortfall?: { state: IncompleteState; reason: string };
}

/** A document that is no report, for this reason. */
export function notAReport(reason: string): NotAReport {
  return { kind: "not-a-report", reason };
}
