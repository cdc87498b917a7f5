import { durationMs, type ScanReport } from "@gatehouse/policy";

/**
 * A complete report whose scan ended longer ago than `maxScanAge` (a duration such as `24h`) becomes stale. Its
 * findings stay: rules count them besides the state. A scan dated in the future by more than five minutes is stale
 * too, since its age cannot be told.
 */
export function markStale(report: ScanReport, maxScanAge: string | undefined, now: number): ScanReport {
  if (maxScanAge === undefined || report.state !== "complete") return report;
  const longest = durationMs(maxScanAge);
  const scanned = report.scannedAt === undefined ? Number.NaN : Date.parse(report.scannedAt);
  const age = now - scanned;
  if (longest !== undefined && age <= longest && age >= -5 * 60_000) return report;
  const when = report.scannedAt ?? "no one knows when";
  return {
    ...report,
    state: "stale",
    reason: `scanned ${when}; ${report.source} takes none older than ${maxScanAge}`,
  };
}
