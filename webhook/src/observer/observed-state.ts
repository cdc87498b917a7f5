import type { ObservedState } from "./metrics.ts";
import type { Observation } from "./observe.ts";

/** What the gauges show of an observation; of none, that it is another's. */
export function observedState(
  observation: Observation | undefined,
  events: { size: number; bytes: number },
  now: number,
): ObservedState {
  const { watch, reports, background } = observation ?? {};
  const heard = watch?.lastHeard();
  const verdicts = new Map<string, number>();
  for (const one of background?.values() ?? [])
    for (const aspect of ["written", "running"] as const) {
      const outcome = one[aspect]?.inDenyMode;
      if (outcome === undefined) continue;
      const label = `${aspect} ${outcome}`;
      verdicts.set(label, (verdicts.get(label) ?? 0) + 1);
    }
  return {
    objects: watch?.counts() ?? {},
    workloads: background?.size ?? 0,
    queue: background?.queue ?? 0,
    images: reports?.size ?? 0,
    imagesPending: reports?.pending ?? 0,
    imageStates: reports?.states() ?? new Map(),
    oldestReportMs: reports?.oldestMs() ?? 0,
    inventoryAgeMs: heard === undefined ? undefined : Math.max(0, now - heard),
    events: events.size,
    eventBytes: events.bytes,
    verdicts,
    holder: observation !== undefined,
  };
}
