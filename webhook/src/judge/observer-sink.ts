import type { EventSink } from "./events.ts";
import type { Log } from "./log.ts";

/** Sends one batch; rejects when it was not taken. */
export type Post = (body: string, signal: AbortSignal) => Promise<void>;

export interface ObserverSink {
  sink: EventSink;
  /** Sends what is queued, once, and stops. */
  close: () => Promise<void>;
}

/** Events that may wait, by number and by characters in all. */
const queueEvents = 2_000;
const queueLength = 16 * 1024 * 1024;
const batchEvents = 100;
const batchLength = 1024 * 1024;
/** How long one batch may take, and how long a failure is waited out, doubling up to the longest; milliseconds. */
const postMs = 5_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * Sends events to the observer in batches (CloudEvents JSON batch format). What happens to them matters to no
 * verdict: while the observer is away the queue fills up, and then the oldest events are dropped and counted, since
 * standard output has them.
 */
export function createObserverSink(options: {
  post: Post;
  sent: (events: number) => void;
  dropped: (events: number) => void;
  log: Log;
}): ObserverSink {
  const queue: string[] = [];
  let held = 0;
  let pause = firstPauseMs;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let closed = false;

  function take(): string[] {
    const batch: string[] = [];
    let length = 0;
    for (const event of queue) {
      if (batch.length === batchEvents || (batch.length > 0 && length + event.length > batchLength)) break;
      batch.push(event);
      length += event.length;
    }
    return batch;
  }

  function forget(count: number): void {
    for (const event of queue.splice(0, count)) held -= event.length;
  }

  async function send(): Promise<boolean> {
    const batch = take();
    if (batch.length === 0) return true;
    // Out of the queue while under way, so that dropping the oldest cannot touch it.
    forget(batch.length);
    try {
      await options.post(`[${batch.join(",")}]`, AbortSignal.timeout(postMs));
      options.sent(batch.length);
      pause = firstPauseMs;
      return true;
    } catch (error) {
      if (pause === firstPauseMs) options.log("warn", "the observer does not take events", { error });
      queue.unshift(...batch);
      for (const event of batch) held += event.length;
      trim();
      return false;
    }
  }

  function trim(): void {
    let excess = 0;
    while (queue.length > queueEvents || held > queueLength) {
      held -= queue.shift()?.length ?? 0;
      excess++;
    }
    if (excess > 0) options.dropped(excess);
  }

  function schedule(after: number): void {
    if (timer !== undefined || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      sending = send().then((ok) => {
        sending = undefined;
        if (queue.length === 0) return undefined;
        schedule(ok ? 0 : pause);
        if (!ok) pause = Math.min(pause * 2, longestPauseMs);
        return undefined;
      });
    }, after);
    timer.unref();
  }

  return {
    sink(event) {
      queue.push(event);
      held += event.length;
      trim();
      if (sending === undefined) schedule(50);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await sending;
      while (queue.length > 0 && (await send()));
      if (queue.length > 0) options.dropped(queue.length);
    },
  };
}
