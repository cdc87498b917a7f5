import { durationMs, type ScanReport } from "@gatehouse/policy";
import { reportTerms } from "./cached-source.ts";
import type { Terms } from "./swr-cache.ts";

const minute = 60_000;
/** Rounds of refreshing ahead of use are shorter than this, so that what a round keeps warm never goes cold. */
const marginMs = 40 * minute;

/**
 * How long reports serve, with what each source's `refreshAfter` says of scans that have ended. Every other state ends
 * when it usually does, or sooner: an answer that is still to come is never waited for longer than asked.
 */
export function refreshTerms(
  configs: readonly { name: string; refreshAfter?: string | undefined }[],
): (report: Pick<ScanReport, "source" | "state">) => Terms {
  const bySource = new Map(
    configs.map(({ name, refreshAfter }) => [
      name,
      refreshAfter === undefined ? undefined : durationMs(refreshAfter),
    ]),
  );
  return ({ source, state }) => {
    const usual = reportTerms[state];
    const freshMs = bySource.get(source);
    if (freshMs === undefined) return usual;
    if (state === "complete" || state === "stale")
      return { freshMs, usableMs: Math.max(usual.usableMs, freshMs + marginMs) };
    return { freshMs: Math.min(usual.freshMs, freshMs), usableMs: usual.usableMs };
  };
}
