import {
  oneLine,
  parseImageReference,
  type Finding,
  type ImageScan,
  type PlatformScan,
  type ScanReport,
} from "@gatehouse/policy";
import type { LookUp } from "../look-up.ts";
import type { ScanSource } from "../source.ts";
import { whenAborted } from "../when-aborted.ts";

/** Longest that a scan which is there waits for what Resource Graph may add; the next look-up finds it. */
const longestWaitMs = 10_000;

/**
 * Adds what Azure Resource Graph lists to the scans of a look-up: each of `graphs` has the name of the source that it
 * belongs to. Findings are added and nothing else: the scan's state
 * stays what its source said, since no list of findings tells a clean image from one never scanned. For the observer:
 * Resource Graph is far too slow for an admission.
 */
export function addGraphFindings(
  lookUp: LookUp,
  graphs: readonly ScanSource[],
  waitMs: number = longestWaitMs,
): LookUp {
  async function added(
    graph: ScanSource,
    { registry, repository }: { registry: string; repository: string },
    scan: ImageScan,
    signal: AbortSignal,
  ): Promise<ImageScan> {
    const { digest } = scan;
    const digests = new Set(scan.platforms.flatMap((one) => one.digest ?? []));
    if (digest !== undefined) digests.add(digest);
    const within = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
    const answers = new Map<string, ScanReport>();
    const all = Promise.all(
      [...digests].map(async (one) =>
        answers.set(one, await graph.report({ registry, repository, digest: one }, within)),
      ),
    );
    await Promise.race([all, whenAborted(within)]);
    const platforms = scan.platforms.map((one): PlatformScan => {
      if (!counts(one, scan, graph.name)) return one;
      const known = [one.digest, digest].flatMap((each) => answers.get(each ?? "") ?? []);
      return { ...one, report: withFindings(one.report, known, graph.name) };
    });
    return { ...scan, platforms };
  }

  return async (reference, terms) => {
    const scan = await lookUp(reference, terms);
    const parsed = parseImageReference(reference);
    if (!parsed.ok) return scan;
    let result = scan;
    for (const graph of graphs)
      if (graph.covers(parsed.reference)) result = await added(graph, parsed.reference, result, terms.signal);
    return result;
  };
}

/** Of several reports about one platform the source's own; else the first. */
function counts(one: PlatformScan, { platforms }: ImageScan, name: string): boolean {
  const same = platforms.filter(({ digest, platform }) => digest === one.digest && platform === one.platform);
  return one === (same.find(({ report }) => report.source === name) ?? same[0]);
}

/** What the report itself knows, or what a signed document ruled out of it, stands. */
function withFindings(report: ScanReport, answers: readonly ScanReport[], name: string): ScanReport {
  const known = new Set(report.findings.map(keyOf));
  const ruledOut = new Set(report.ruledOut?.map(({ id }) => id));
  const more: Finding[] = [];
  for (const finding of answers.flatMap(({ findings }) => findings)) {
    if (known.has(keyOf(finding)) || ruledOut.has(finding.id)) continue;
    known.add(keyOf(finding));
    more.push(finding);
  }
  if (more.length === 0) return report;
  const why = `${more.length} of the findings only in Azure Resource Graph (${name})`;
  return {
    ...report,
    reason: oneLine(report.reason === undefined ? why : `${report.reason}; ${why}`, 300),
    findings: [...report.findings, ...more],
  };
}

function keyOf({ id, package: found }: Finding): string {
  return JSON.stringify([id, found?.name]);
}
