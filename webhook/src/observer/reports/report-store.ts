/** Scans of every image that the cluster names or runs, kept fresh. */
import { unscanned, type ImageScan, type Platform, type ScanState } from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import { sameScan } from "./same-scan.ts";

/** An image as it is looked up. */
export interface Wanted {
  readonly reference: string;
  readonly platforms: readonly Platform[];
}

/** Scans by image and platforms, each looked up again and again while somebody wants it. */
export interface ReportStore {
  /** Asks for an image from now on, once for each caller; `drop` ends it. */
  want(wanted: Wanted): void;
  drop(wanted: Wanted): void;
  /** The last scan; undefined while its first look-up is under way. */
  scan(wanted: Wanted): ImageScan | undefined;
  /** Images whose first look-up is still to come. */
  readonly pending: number;
  readonly size: number;
  /** Milliseconds since the oldest successful look-up of any image; 0 without images. */
  oldestMs(): number;
  /** Images by the state of their worst platform. */
  states(): ReadonlyMap<ScanState, number>;
  /**
   * Looks up again every tag that was not looked up for `maxAgeMs`, and waits for that and for first look-ups, until
   * the signal fires. Resolves with how many images were never looked up. Never rejects.
   */
  freshen(maxAgeMs: number, signal: AbortSignal): Promise<number>;
  /** Ends all look-ups. */
  stop(): void;
}

/** How scans are looked up, how often, and who is told. */
export interface ReportStoreOptions {
  lookUp: LookUp;
  /** Told of each image whose scan is new or says something else. */
  changed: (wanted: Wanted) => void;
  /** Told of each look-up that ended. */
  lookedUp?: (outcome: "same" | "changed" | "unavailable") => void;
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 to 1, for the spread of look-ups. @default Math.random */
  random?: () => number;
  /** Look-ups at a time. @default 16 */
  concurrency?: number;
  /** Most look-ups begun in one second, but for first ones and those that somebody waits for. @default 20 */
  perSecond?: number;
}

const minute = 60_000;
/** How long until an image is looked up again, by what its scan was: what may still come is asked for sooner. */
const intervals: Readonly<Record<ScanState, number>> = {
  complete: 15 * minute,
  stale: 15 * minute,
  unsupported: 30 * minute,
  failed: 10 * minute,
  partial: 5 * minute,
  absent: 2 * minute,
  pending: minute,
  unavailable: minute,
};
/** An image that was known and cannot be looked up for a moment is no other image yet. */
const patienceMs = 3 * minute;
/** A tag may move at any time. */
const tagMs = 5 * minute;
const lookUpMs = 60_000;
const tickMs = 100;

interface Entry {
  readonly wanted: Wanted;
  users: number;
  scan: ImageScan | undefined;
  /** When its scan was last confirmed. */
  seenAt: number;
  dueAt: number;
  /** Since when it cannot be looked up. */
  failingSince: number | undefined;
  busy: boolean;
}

/** A store that begins to look up as soon as something is wanted. */
export function createReportStore(options: ReportStoreOptions): ReportStore {
  const { lookUp, now } = options;
  const random = options.random ?? Math.random;
  const concurrency = options.concurrency ?? 16;
  const perTick = Math.max(1, Math.round(((options.perSecond ?? 20) * tickMs) / 1000));
  const entries = new Map<string, Entry>();
  const stopping = new AbortController();
  /** Never looked up, or waited for, in the order in which they came: they go first. */
  const urgent = new Set<Entry>();
  const waiting = new Set<() => void>();
  let busy = 0;
  let timer: NodeJS.Timeout | undefined;
  let sorted: Entry[] = [];
  let sortedAt = 0;

  async function refresh(entry: Entry): Promise<void> {
    const { wanted } = entry;
    entry.busy = true;
    busy++;
    urgent.delete(entry);
    let scan: ImageScan;
    try {
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(lookUpMs)]);
      scan = await lookUp(wanted.reference, { platforms: wanted.platforms, signal });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      scan = unscanned("unavailable", `the look-up failed: ${why}`, "gate");
    }
    busy--;
    entry.busy = false;
    if (!stopping.signal.aborted && entries.get(keyOf(wanted)) === entry) take(entry, scan);
    for (const look of waiting) look();
    if (urgent.size > 0) tick();
  }

  function take(entry: Entry, scan: ImageScan): void {
    const at = now();
    const state = stateOf(scan);
    // Spread around the interval, and the first time all over it, so that a start's burst never comes again.
    const spread = entry.scan === undefined ? 0.2 + 0.8 * random() : 0.8 + 0.4 * random();
    const interval = entry.wanted.reference.includes("@")
      ? intervals[state]
      : Math.min(tagMs, intervals[state]);
    entry.dueAt = at + interval * spread;
    const gone = state === "unavailable";
    if (gone) entry.failingSince ??= at;
    else {
      entry.failingSince = undefined;
      entry.seenAt = at;
    }
    if (gone && entry.scan !== undefined && at - (entry.failingSince ?? at) < patienceMs) {
      options.lookedUp?.("unavailable");
      return;
    }
    const same = entry.scan !== undefined && sameScan(entry.scan, scan);
    options.lookedUp?.(gone ? "unavailable" : same ? "same" : "changed");
    // What is the same stays the same object: what filters found in its findings is remembered with them.
    if (same) return;
    entry.scan = scan;
    options.changed(entry.wanted);
  }

  /** The next that is due. Sorted now and then only: dates lie minutes ahead. */
  function nextDue(): Entry | undefined {
    const at = now();
    if (sorted.length === 0 && at - sortedAt >= 1000) {
      sortedAt = at;
      sorted = [...entries.values()]
        .filter((entry) => !entry.busy && entry.dueAt <= at)
        .sort((a, b) => b.dueAt - a.dueAt);
    }
    for (;;) {
      const entry = sorted.pop();
      if (entry === undefined || (!entry.busy && entries.get(keyOf(entry.wanted)) === entry)) return entry;
    }
  }

  function tick(): void {
    for (const entry of urgent) {
      if (busy >= concurrency) return;
      // It never rejects: a failure is a scan.
      void refresh(entry);
    }
    for (let started = 0; started < perTick && busy < concurrency; started++) {
      const entry = nextDue();
      if (entry === undefined) return;
      void refresh(entry);
    }
  }

  return {
    want(wanted) {
      const key = keyOf(wanted);
      const known = entries.get(key);
      if (known) {
        known.users++;
        return;
      }
      const entry: Entry = {
        wanted,
        users: 1,
        scan: undefined,
        seenAt: now(),
        dueAt: now(),
        failingSince: undefined,
        busy: false,
      };
      entries.set(key, entry);
      urgent.add(entry);
      timer ??= setInterval(tick, tickMs);
      timer.unref();
    },
    drop(wanted) {
      const key = keyOf(wanted);
      const known = entries.get(key);
      if (known === undefined || --known.users > 0) return;
      entries.delete(key);
      urgent.delete(known);
    },
    scan: (wanted) => entries.get(keyOf(wanted))?.scan,
    get pending() {
      let count = 0;
      for (const { scan } of entries.values()) if (scan === undefined) count++;
      return count;
    },
    get size() {
      return entries.size;
    },
    oldestMs() {
      let oldest = now();
      for (const { seenAt } of entries.values()) oldest = Math.min(oldest, seenAt);
      return now() - oldest;
    },
    states() {
      const counts = new Map<ScanState, number>();
      for (const { scan } of entries.values()) {
        const state = scan === undefined ? "unavailable" : stateOf(scan);
        counts.set(state, (counts.get(state) ?? 0) + 1);
      }
      return counts;
    },
    async freshen(maxAgeMs, signal) {
      const limit = now() - maxAgeMs;
      const asked: Entry[] = [];
      for (const entry of entries.values()) {
        const old = !entry.wanted.reference.includes("@") && entry.seenAt < limit;
        if (entry.scan !== undefined && !old) continue;
        if (!entry.busy) urgent.add(entry);
        asked.push(entry);
      }
      tick();
      await new Promise<void>((resolve) => {
        const look = () => {
          const left = asked.some((entry) => entry.busy || urgent.has(entry));
          if (left && !signal.aborted && !stopping.signal.aborted) return;
          waiting.delete(look);
          signal.removeEventListener("abort", look);
          resolve();
        };
        waiting.add(look);
        signal.addEventListener("abort", look);
        look();
      });
      return asked.filter(({ scan, wanted }) => scan === undefined && entries.has(keyOf(wanted))).length;
    },
    stop() {
      clearInterval(timer);
      stopping.abort();
      for (const look of waiting) look();
    },
  };
}

/** The state that asks soonest for another look-up. */
function stateOf({ platforms }: ImageScan): ScanState {
  return platforms
    .map(({ report }) => report.state)
    .reduce((a, b) => (intervals[b] < intervals[a] || b === "unavailable" ? b : a));
}

function keyOf({ reference, platforms }: Wanted): string {
  return `${reference} ${platforms.join(",")}`;
}
