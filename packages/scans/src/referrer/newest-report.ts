import type { ScanReport } from "@gatehouse/policy";
import type { ParsedReport } from "../parse/parsed.ts";

/**
 * Of several reports about one image the one that counts: the newest that somebody signed, else the newest.
 *
 * Where there is a signed one, what nobody signed can only make it worse: a newer unsigned report adds the findings
 * that the signed one lacks, and its state where that is not complete, and the whole then counts as unsigned. It takes
 * nothing away and makes nothing younger, for whoever may push could have written it.
 */
export function newestReport(reports: readonly ParsedReport[]): ScanReport | undefined {
  const [signed, unsigned] = [true, false].map((wanted) =>
    reports.filter(({ report }) => (report.trust.kind === "signed") === wanted).sort(newestFirst),
  );
  const [base, beside] = [signed?.[0], unsigned?.[0]];
  if (base === undefined || beside === undefined) return (base ?? beside)?.report;
  return newestFirst(base, beside) <= 0 ? base.report : worsened(base.report, beside.report);
}

/** By the end of the scan; one that does not say it is older than all that do. */
function newestFirst(a: ParsedReport, b: ParsedReport): number {
  const time = ({ report: { scannedAt } }: ParsedReport): number =>
    scannedAt === undefined ? -Infinity : Date.parse(scannedAt);
  const [first, second] = [time(a), time(b)];
  // Between equals the one that says more against the image.
  return first === second ? b.report.findings.length - a.report.findings.length : second - first;
}

function worsened(signed: ScanReport, { state, reason, trust, findings }: ScanReport): ScanReport {
  const known = new Set(signed.findings.map((finding) => JSON.stringify(finding)));
  const added = findings.filter((finding) => !known.has(JSON.stringify(finding)));
  const worse = signed.state === "complete" && state !== "complete";
  if (added.length === 0 && !worse) return signed;
  return {
    ...signed,
    ...(worse ? { state, ...(reason === undefined ? {} : { reason }) } : {}),
    trust,
    findings: [...signed.findings, ...added],
  };
}
