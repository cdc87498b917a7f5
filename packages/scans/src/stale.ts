import { durationMs, type ScanReport } from "@gatehouse/policy";

/** How far a scanner's clock may be ahead of the gate's, in milliseconds. */
const clocksDiffer = 5 * 60_000;

/**
 * A complete report whose scan ended longer ago than `maxScanAge` (a duration such as `24h`) becomes stale. Its
 * findings stay: rules count them besides the state. A scan that ends in the future is stale on any terms: its age
 * cannot be told, and it would stay the newest for as long as its author likes.
 */
export function markStale(report: ScanReport, maxScanAge: string | undefined, now: number): ScanReport {
  if (report.state !== "complete") return report;
  const { scannedAt } = report;
  const scanned = scannedAt === undefined ? Number.NaN : Date.parse(scannedAt);
  if (scanned > now + clocksDiffer)
    return staleBecause(report, `scanned ${scannedAt}, which is still to come`);
  if (maxScanAge === undefined) return report;
  const longest = durationMs(maxScanAge);
  if (longest !== undefined && now - scanned <= longest) return report;
  const when = scannedAt ?? "no one knows when";
  return staleBecause(report, `scanned ${when}; ${report.source} takes none older than ${maxScanAge}`);
}

function staleBecause(report: ScanReport, reason: string): ScanReport {
  return { ...report, state: "stale", reason };
}
