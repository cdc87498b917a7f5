import type { Finding, ImageScan, PlatformScan } from "@gatehouse/policy";

/**
 * Whether two scans say the same. The time of the scan counts, the wording of a reason does not: a scanner that is
 * asked again may count its seconds in it.
 */
export function sameScan(a: ImageScan, b: ImageScan): boolean {
  return (
    a.digest === b.digest &&
    a.platforms.length === b.platforms.length &&
    a.platforms.every((one, index) => samePlatform(one, b.platforms[index]))
  );
}

function samePlatform(a: PlatformScan, b: PlatformScan | undefined): boolean {
  return (
    b !== undefined &&
    a.platform === b.platform &&
    a.digest === b.digest &&
    a.createdAt === b.createdAt &&
    a.report.state === b.report.state &&
    a.report.source === b.report.source &&
    a.report.scannedAt === b.report.scannedAt &&
    sameJson(a.report.trust, b.report.trust) &&
    sameFindings(a.report.findings, b.report.findings)
  );
}

function sameFindings(a: readonly Finding[], b: readonly Finding[]): boolean {
  if (a === b) return true;
  // Caches share equal findings, so that most are the same object.
  return a.length === b.length && a.every((one, index) => one === b[index] || sameJson(one, b[index]));
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
