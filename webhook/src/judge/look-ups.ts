import { parseImageReference, unscanned, type ImageScan, type Platform, type Scans } from "@gatehouse/policy";
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
  const all = references.map(async (reference) => {
    const parsed = parseImageReference(reference);
    if (!parsed.ok) {
      // What names no image is nothing to ask anybody about.
      scans.set(reference, unscanned("unsupported", parsed.problem, "gate"));
      return;
    }
    try {
      scans.set(reference, await lookUp(reference, { platforms, signal: deadline.signal }));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      scans.set(reference, unscanned("unavailable", `the look-up failed: ${why}`, "gate"));
    }
  });
  const inTime = (await deadline.within(Promise.all(all))) !== undefined;
  if (inTime && !deadline.signal.aborted) return { scans, late: 0 };
  // A copy: what comes later must not change what is judged and told now.
  const known = new Map(
    references.map((reference) => [
      reference,
      scans.get(reference) ?? unscanned("unavailable", notInTime, "gate"),
    ]),
  );
  return { scans: known, late: [...known.values()].filter(isUnavailable).length };
}

function isUnavailable({ platforms }: ImageScan): boolean {
  return platforms.some(({ report }) => report.state === "unavailable");
}

const notInTime = "the look-up did not answer in time; it goes on, so a retry may find its result";
