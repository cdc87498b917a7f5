import type { ScanReport, ScanState } from "@gatehouse/policy";
import type { ScanMetrics } from "../metrics.ts";
import type { ImageIdentity, ScanSource } from "../source.ts";
import { createFindingPool } from "./finding-pool.ts";
import { createSwrCache, type Terms } from "./swr-cache.ts";

const second = 1000;
const minute = 60 * second;

/**
 * How long a report serves, by its state. A scan that ended is served on while it is looked up again; every state in
 * which an answer is still to come ends soon, so that it is seen when it comes; a look-up without an answer is kept
 * just long enough that a burst of Pods does not become a burst of requests.
 */
export const reportTerms: Readonly<Record<ScanState, Terms>> = {
  complete: { freshMs: 5 * minute, usableMs: 60 * minute },
  stale: { freshMs: 5 * minute, usableMs: 60 * minute },
  partial: { freshMs: minute, usableMs: 5 * minute },
  unsupported: { freshMs: 5 * minute, usableMs: 5 * minute },
  failed: { freshMs: minute, usableMs: minute },
  absent: { freshMs: 15 * second, usableMs: 15 * second },
  pending: { freshMs: 10 * second, usableMs: 10 * second },
  unavailable: { freshMs: 3 * second, usableMs: 3 * second },
};

/** Arrays, strings and map entries of one report besides its findings. */
const reportOverheadBytes = 1500;

/** Wraps sources so that their reports are held in one cache, by source and image. Never verdicts. */
export function createReportCache(options: {
  /** An estimate of the heap that all reports together may take. @default 96 MiB */
  maxBytes?: number | undefined;
  /** Milliseconds of a clock that never goes back. */
  clock: () => number;
  budgetMs?: number | undefined;
  metrics?: ScanMetrics | undefined;
  /** @default those of `reportTerms` */
  terms?: ((report: ScanReport) => Terms) | undefined;
}): (source: ScanSource) => ScanSource {
  const { clock, metrics } = options;
  const pool = createFindingPool();
  const cache = createSwrCache<ScanReport>({
    terms: options.terms ?? (({ state }) => reportTerms[state]),
    bytes: ({ findings, ruledOut }) =>
      reportOverheadBytes + findings.length * 8 + (ruledOut?.length ?? 0) * 200,
    maxBytes: options.maxBytes ?? 96 * 1024 * 1024,
    keep: (held, fresh) => fresh.state === "unavailable" && held.state !== "unavailable",
    admit: (report) => ({ ...report, findings: pool.share(report.findings) }),
    release: ({ findings }) => pool.release(findings),
    sharedBytes: () => pool.bytes,
    clock,
    budgetMs: options.budgetMs,
    observe: (outcome) => metrics?.cache?.({ cache: "report", outcome }),
    changed: showSize,
  });

  async function load(source: ScanSource, image: ImageIdentity, signal: AbortSignal): Promise<ScanReport> {
    const start = clock();
    const report = await source.report(image, signal);
    metrics?.asked?.({ source: source.name, state: report.state, seconds: (clock() - start) / 1000 });
    return report;
  }

  function showSize(): void {
    metrics?.cacheSize?.({ reports: cache.entries, findings: pool.size, bytes: cache.bytes });
  }

  return (source) => ({
    ...source,
    report(image, _signal) {
      const { registry, repository, digest, platform = "", indexDigest = "" } = image;
      const key = `${source.name} ${registry}/${repository}@${digest} ${platform} ${indexDigest}`;
      return cache.get(key, (signal) => load(source, image, signal));
    },
  });
}
