import { parseImageReference, unscanned, type ImageScan, type Platform, type Scans } from "@gatehouse/policy";
import { orElse, type Awaitable, type LookUp, type LookUpTerms } from "@gatehouse/scans";
import type { Deadline } from "./deadline.ts";

/** Scans by reference, and how many look-ups did not answer in time. */
export interface Gathered {
  scans: Scans;
  late: number;
}

/**
 * Looks all references up together: at once where all of them are held. What is not there at the deadline is
 * `unavailable`; its look-up goes on, so that a retry finds it. Never fails.
 */
export function gather(
  references: readonly string[],
  lookUp: LookUp,
  platforms: readonly Platform[],
  deadline: Deadline,
): Awaitable<Gathered> {
  const scans = new Map<string, ImageScan>();
  const terms: LookUpTerms = {
    platforms,
    get signal() {
      return deadline.signal;
    },
  };
  const awaited: Promise<void>[] = [];
  for (const reference of references) {
    const scan = scanOf(reference, lookUp, terms);
    if (scan instanceof Promise) awaited.push(scan.then((late) => void scans.set(reference, late)));
    else scans.set(reference, scan);
  }
  return awaited.length === 0 ? { scans, late: 0 } : inTime(references, scans, awaited, deadline);
}

function scanOf(reference: string, lookUp: LookUp, terms: LookUpTerms): Awaitable<ImageScan> {
  const parsed = parseImageReference(reference);
  // What names no image is nothing to ask anybody about.
  if (!parsed.ok) return unscanned("unsupported", parsed.problem, "gate");
  return orElse(
    () => lookUp(reference, terms),
    (error) => {
      const why = error instanceof Error ? error.message : String(error);
      return unscanned("unavailable", `the look-up failed: ${why}`, "gate");
    },
  );
}

async function inTime(
  references: readonly string[],
  scans: ReadonlyMap<string, ImageScan>,
  awaited: readonly Promise<void>[],
  deadline: Deadline,
): Promise<Gathered> {
  const whole = (await deadline.within(Promise.all(awaited))) !== undefined;
  if (whole && !deadline.signal.aborted) return { scans, late: 0 };
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
