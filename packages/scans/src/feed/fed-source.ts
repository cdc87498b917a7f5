import type { Finding, ScanReport } from "@gatehouse/policy";
import { allOf, andThen, type Awaitable } from "../awaitable.ts";
import type { ScanSource } from "../source.ts";
import type { LoadedFeed } from "./exploit-feed.ts";

/**
 * Fills EPSS and KEV from a feed into the reports of a source. Goes around the cache, not into it: a new feed counts at
 * once. A report whose findings lack what a feed that is old or absent could have told says so.
 */
export function fedSource(source: ScanSource, feed: () => Awaitable<LoadedFeed>): ScanSource {
  const filled = new WeakMap<readonly Finding[], { feed: LoadedFeed; findings: readonly Finding[] }>();

  function feedReport(report: ScanReport): Awaitable<ScanReport> {
    if (report.findings.length === 0) return report;
    return andThen(feed(), (current) => withFeed(report, current));
  }

  function withFeed(report: ScanReport, current: LoadedFeed): ScanReport {
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
    report: (image, signal) => andThen(source.report(image, signal), feedReport),
    ...(scanByTag === undefined
      ? {}
      : {
          scanByTag: (reference, signal) =>
            andThen(scanByTag(reference, signal), (scan) => {
              if (scan === undefined) return undefined;
              const platforms = scan.platforms.map((one) =>
                andThen(feedReport(one.report), (report) => ({ ...one, report })),
              );
              return andThen(allOf(platforms), (all) => ({ ...scan, platforms: all }));
            }),
        }),
  };
}
