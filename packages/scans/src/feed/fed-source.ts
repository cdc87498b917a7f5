import type { Finding, ScanReport } from "@gatehouse/policy";
import type { ScanSource } from "../source.ts";
import type { LoadedFeed } from "./exploit-feed.ts";

/**
 * Fills EPSS and KEV from a feed into the reports of a source. Goes around the cache, not into it: a new feed counts at
 * once. A report whose findings lack what a feed that is old or absent could have told says so.
 */
export function fedSource(source: ScanSource, feed: () => Promise<LoadedFeed>): ScanSource {
  const filled = new WeakMap<readonly Finding[], { feed: LoadedFeed; findings: readonly Finding[] }>();

  async function feedReport(report: ScanReport): Promise<ScanReport> {
    if (report.findings.length === 0) return report;
    const current = await feed();
    const known = filled.get(report.findings);
    let findings = known?.feed === current ? known.findings : undefined;
    if (findings === undefined) {
      findings = report.findings.map((finding) => current.fill(finding));
      filled.set(report.findings, { feed: current, findings });
    }
    const { problem } = current.state;
    const lacking = findings.some(
      ({ epss, knownExploited }) => epss === undefined || knownExploited === undefined,
    );
    if (problem === undefined || !lacking) return { ...report, findings };
    return {
      ...report,
      findings,
      reason: report.reason === undefined ? problem : `${report.reason}; ${problem}`,
    };
  }

  const scanByTag = source.scanByTag?.bind(source);
  return {
    ...source,
    report: async (image, signal) => await feedReport(await source.report(image, signal)),
    ...(scanByTag === undefined
      ? {}
      : {
          async scanByTag(reference, signal) {
            const scan = await scanByTag(reference, signal);
            if (scan === undefined) return undefined;
            const platforms = scan.platforms.map(async (one) => ({
              ...one,
              report: await feedReport(one.report),
            }));
            return { ...scan, platforms: await Promise.all(platforms) };
          },
        }),
  };
}
