import type { ScanReport } from "@gatehouse/policy";
import { createReportCache } from "../cache/cached-source.ts";
import type { Terms } from "../cache/swr-cache.ts";
import type { ScanSource } from "../source.ts";
import type { ReadResourceGraph } from "./resource-graph.ts";

const minute = 60_000;
/** Recommendations change a few times a day at most, and the quota is small. */
const answered: Terms = { freshMs: 30 * minute, usableMs: 120 * minute };
const unanswered: Terms = { freshMs: minute, usableMs: minute };

/** How long a question waits for others to be asked with it. */
const gatherMs = 200;
const batchSize = 50;

/** What the held view of Azure Resource Graph is made of. */
export interface BatchedGraphOptions {
  /** Named in reports. */
  name: string;
  /** Images that it is asked about: those of the source that it adds to. */
  covers: ScanSource["covers"];
  read: ReadResourceGraph;
  /** Milliseconds of a clock that never goes back. */
  clock: () => number;
  /** Longest that one batch may take, with its wait for the quota. @default 120000 */
  budgetMs?: number | undefined;
}

/**
 * Azure Resource Graph as a source of what it says of one digest, held, and asked for together with other digests, so
 * that thousands of images cost a query for each fifty.
 */
export function batchedGraph({
  name,
  covers,
  read,
  clock,
  budgetMs = 120_000,
}: BatchedGraphOptions): ScanSource {
  let waiting = new Map<string, (report: ScanReport) => void>();
  let timer: NodeJS.Timeout | undefined;

  function send(): void {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = new Map();
    void answer(batch);
  }

  /** Rejects never: a batch without an answer is an answer for each of its digests. */
  async function answer(batch: ReadonlyMap<string, (report: ScanReport) => void>): Promise<void> {
    let reports = new Map<string, ScanReport>();
    let why = "it was not asked, since this is no digest";
    try {
      reports = await read([...batch.keys()], AbortSignal.timeout(budgetMs));
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    for (const [digest, resolve] of batch)
      resolve(
        reports.get(digest) ?? {
          state: "unavailable",
          reason: `Azure Resource Graph: ${why}`,
          source: name,
          trust: { kind: "source" },
          findings: [],
        },
      );
  }

  // The cache has one load in flight for each digest, so that none is in a batch twice.
  const source: ScanSource = {
    name,
    covers,
    report: async ({ digest }) =>
      await new Promise((resolve) => {
        waiting.set(digest, resolve);
        if (waiting.size >= batchSize) send();
        else timer ??= setTimeout(send, gatherMs);
      }),
  };
  return createReportCache({
    maxBytes: 64 * 1024 * 1024,
    clock,
    budgetMs: 2 * budgetMs,
    terms: ({ state }) => (state === "unavailable" ? unanswered : answered),
  })(source);
}
