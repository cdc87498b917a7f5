import type { EventSink } from "./events.ts";
import type { Log } from "./log.ts";

/** What the observer made of a batch. */
export type PostAnswer =
  /** `observer` tells one start of it from another; absent from one of an older version. */
  | { readonly taken: true; readonly observer?: string | undefined }
  /** It will never take these. */
  | { readonly taken: false; readonly why: string };

/** Sends one batch; rejects when it may be taken later. */
export type Post = (body: string, signal: AbortSignal) => Promise<PostAnswer>;

/** The way from a judge to the observer. */
export interface ObserverSink {
  /** Takes events, which are let go once they were sent. */
  sink: EventSink;
  /**
   * Takes reviews, of which the latest of each key is kept after it was sent: they are nowhere else, and an observer
   * that begins anew is sent them again.
   */
  reviews: (event: string, key: string) => void;
  /** Sends what is queued, once, and stops. */
  close: () => Promise<void>;
}

/** Events that may wait, by number and by characters in all. */
const queueEvents = 20_000;
const queueLength = 16 * 1024 * 1024;
/** Characters of reviews that are kept after they were sent: some 10,000. */
const keptLength = 12 * 1024 * 1024;
const batchEvents = 100;
const batchLength = 1024 * 1024;
/** How long one batch may take, and how long a failure is waited out, doubling up to the longest; milliseconds. */
const postMs = 5_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** Each batch costs a request, whatever is in it; people see an event within a second all the same. */
const gatherMs = 200;
/** How often an observer that is sent nothing is asked whether it is still the same, in milliseconds. */
const askMs = 30_000;

interface Waiting {
  readonly text: string;
  /** Of a review. */
  readonly key?: string;
}

/**
 * Sends events to the observer in batches (CloudEvents JSON batch format). What happens to them matters to no
 * verdict: while the observer is away the queue fills up, and then the oldest events are dropped and counted, since
 * standard output has them.
 */
export function createObserverSink(options: {
  post: Post;
  /** Counted apart: events have their line on standard output as well, reviews are nowhere else. */
  sent: (events: number, reviews: number) => void;
  dropped: (events: number, reviews: number) => void;
  log: Log;
}): ObserverSink {
  const queue: Waiting[] = [];
  const kept = createKept();
  /** What an observer that has begun anew is still to be sent again: before the queue, where newer ones may follow. */
  let again: Waiting[] = [];
  let observer: string | undefined;
  let held = 0;
  /** How many of those that come next are to be sent one by one, since one of them is refused. */
  let single = 0;
  let pause = firstPauseMs;
  let timer: NodeJS.Timeout | undefined;
  /** Whether the timer is only there to ask after the observer. */
  let resting = false;
  let sending: Promise<void> | undefined;
  let closed = false;

  function take(): { from: Waiting[]; batch: Waiting[] } {
    const from = again.length > 0 ? again : queue;
    const most = single > 0 ? 1 : batchEvents;
    let count = 0;
    let length = 0;
    for (const { text } of from) {
      if (count === most || (count > 0 && length + text.length > batchLength)) break;
      count += 1;
      length += text.length;
    }
    // Out of the queue while under way, so that dropping the oldest cannot touch it.
    if (from === queue) held -= length;
    return { from, batch: from.splice(0, count) };
  }

  function putBack({ from, batch }: ReturnType<typeof take>): void {
    from.unshift(...batch);
    if (from !== queue) return;
    for (const { text } of batch) held += text.length;
    trim();
  }

  /** Whether there is more to do at once. */
  async function send(): Promise<boolean> {
    const taken = take();
    const { batch } = taken;
    try {
      const body = `[${batch.map(({ text }) => text).join(",")}]`;
      const answer = await options.post(body, AbortSignal.timeout(postMs));
      pause = firstPauseMs;
      single = Math.max(0, single - batch.length);
      if (answer.taken) delivered(batch, answer.observer);
      else refused(taken, answer.why);
      return true;
    } catch (error) {
      if (pause === firstPauseMs) options.log("warn", "the observer does not take events", { error });
      putBack(taken);
      return false;
    }
  }

  function delivered(batch: readonly Waiting[], by: string | undefined): void {
    options.sent(...counted(batch));
    const newer = new Set(batch.map(({ key }) => key));
    if (observer !== undefined && by !== undefined && by !== observer)
      again = kept.all().filter(({ key }) => !newer.has(key));
    observer = by ?? observer;
    for (const { text, key } of batch) if (key !== undefined) kept.keep(key, text);
  }

  /** One that it cannot take shall not keep the others away. */
  function refused(taken: ReturnType<typeof take>, why: string): void {
    const { length } = taken.batch;
    if (length > 1) {
      single = length;
      putBack(taken);
      return;
    }
    options.log("warn", "the observer refuses an event", { why });
    options.dropped(...counted(taken.batch));
  }

  function trim(): void {
    const excess: Waiting[] = [];
    while (queue.length > queueEvents || held > queueLength) {
      const oldest = queue.shift();
      if (oldest === undefined) break;
      held -= oldest.text.length;
      excess.push(oldest);
    }
    if (excess.length > 0) options.dropped(...counted(excess));
  }

  const waits = () => queue.length + again.length > 0;

  function schedule(after: number, rest = false): void {
    if (closed) return;
    clearTimeout(timer);
    resting = rest;
    timer = setTimeout(() => {
      timer = undefined;
      sending = send().then((ok) => {
        sending = undefined;
        if (!ok) {
          schedule(pause);
          pause = Math.min(pause * 2, longestPauseMs);
        } else if (waits()) schedule(0);
        else if (kept.size > 0) schedule(askMs, true);
        return undefined;
      });
    }, after);
    timer.unref();
  }

  function push(one: Waiting): void {
    queue.push(one);
    held += one.text.length;
    trim();
    if (sending === undefined && (timer === undefined || resting)) schedule(gatherMs);
  }

  return {
    sink: (text) => push({ text }),
    reviews: (text, key) => push({ text, key }),
    async close() {
      closed = true;
      clearTimeout(timer);
      await sending;
      while (waits() && (await send()));
      if (queue.length > 0) options.dropped(...counted(queue));
    },
  };
}

/** How many events and how many reviews. */
function counted(all: readonly Waiting[]): [events: number, reviews: number] {
  const reviews = all.filter(({ key }) => key !== undefined).length;
  return [all.length - reviews, reviews];
}

/** The latest of each key, within {@link keptLength}. */
function createKept() {
  const texts = new Map<string, string>();
  let length = 0;
  function forget(key: string): void {
    length -= texts.get(key)?.length ?? 0;
    texts.delete(key);
  }
  return {
    keep(key: string, text: string): void {
      forget(key);
      texts.set(key, text);
      length += text.length;
      for (const oldest of texts.keys()) {
        if (length <= keptLength) break;
        forget(oldest);
      }
    },
    all: (): Waiting[] => [...texts].map(([key, text]) => ({ key, text })),
    get size() {
      return texts.size;
    },
  };
}
