import { unscanned, type ImageScan, type Platform, type Scans } from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import type { Deadline } from "./deadline.ts";

/** Scans by reference, and how many look-ups did not answer in time. */
export interface Gathered {
  scans: Scans;
  late: number;
}

/**
 * Looks all references up at once. What is not there at the deadline is `unavailable`; its look-up goes on, so that a
 * retry finds it. Never rejects.
 */
export async function gather(
  references: readonly string[],
  lookUp: LookUp,
  platforms: readonly Platform[],
  deadline: Deadline,
): Promise<Gathered> {
  const scans = new Map<string, ImageScan>();
  let late = 0;
  await Promise.all(
    references.map(async (reference) => {
      let scan: ImageScan | undefined;
      try {
        scan = await deadline.within(lookUp(reference, { platforms, signal: deadline.signal }));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        scan = unscanned("unavailable", `the look-up failed: ${why}`, "gate");
      }
      if (scan === undefined || deadline.signal.aborted) late++;
      scans.set(reference, scan ?? unscanned("unavailable", notInTime, "gate"));
    }),
  );
  return { scans, late };
}

const notInTime = "the look-up did not answer in time; it goes on, so a retry may find its result";
