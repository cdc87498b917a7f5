import pLimit from "p-limit";
import { sleep as realSleep } from "../registry/pace.ts";

/** What is kept warm, and how hard its sources may be asked for it. */
export interface KeepWarmOptions {
  /** What to keep warm, asked for at the start of each round: references of running images by digest. */
  images: () => readonly string[];
  /** Asks for one again: a look-up, which answers from the cache and reloads behind its answer. Must not reject. */
  refresh: (image: string, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of one round. Shorter than what a cached report serves for, or images go cold. @default 1200000 */
  everyMs?: number | undefined;
  /** Most that are asked for in one second, whatever the number of images. @default 10 */
  perSecond?: number | undefined;
  /** Under way at once. @default 16 */
  concurrency?: number | undefined;
  /** Milliseconds since any fixed start. */
  now: () => number;
  /** For tests. @default a timer */
  sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/**
 * Refreshes running images ahead of use, evenly: each has its slot in the round, so that a source's rate limit sees a
 * steady stream and never a burst. A round that takes longer than it should is followed by the next at once. Returns
 * when the signal fires.
 */
export async function keepWarm(options: KeepWarmOptions, signal: AbortSignal): Promise<void> {
  const { now } = options;
  const sleep = options.sleep ?? realSleep;
  const everyMs = options.everyMs ?? 20 * 60_000;
  const limit = pLimit(options.concurrency ?? 16);
  const aborted = (): boolean => signal.aborted;
  while (!aborted()) {
    const start = now();
    const images = [...new Set(options.images())];
    const spacing = Math.max(
      images.length === 0 ? everyMs : everyMs / images.length,
      1000 / (options.perSecond ?? 10),
    );
    const underWay: Promise<void>[] = [];
    for (const [index, image] of images.entries()) {
      if (aborted()) break;
      const wait = start + index * spacing - now();
      if (wait > 0) await sleep(wait, signal).catch(() => undefined);
      if (aborted()) break;
      // A full house holds the round up, instead of growing a queue.
      while (limit.pendingCount > 0 && !aborted()) await Promise.race(underWay);
      const work = limit(async () => await options.refresh(image, signal)).catch(() => undefined);
      underWay.push(work);
      void work.finally(() => underWay.splice(underWay.indexOf(work), 1));
    }
    await Promise.all(underWay);
    const rest = start + everyMs - now();
    if (rest > 0 && !aborted()) await sleep(rest, signal).catch(() => undefined);
  }
}
