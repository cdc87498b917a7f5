/** From verdicts to event lines: counted, doubled requests once, each line written before its answer. */
import { hash } from "node:crypto";
import { admissionEvent, eventKeyParts, reviewEvent, type EventInput } from "@gatehouse/policy";
import { LRUCache } from "lru-cache";

/** Takes one event as its JSON text, without a line feed. Never throws, never waits. */
export type EventSink = (event: string) => void;

/** Makes events of verdicts: a line before each answer, and after it a review for those who judge it again. */
export interface EventPipeline {
  /**
   * Hands the event about one verdict to the sinks, at once. Resolves when its line cannot be lost any more by an end
   * of this process, so that whoever was answered finds the line, whatever happens next. It waits for no reader that
   * has stopped. Doubled requests count once.
   */
  push(input: EventInput): Promise<void>;
  /** Hands all reviews that are queued to their sink. */
  flush(): void;
}

/** Verdicts that may wait to become reviews. */
const queueLimit = 5_000;
/**
 * Reviews built in one turn of the event loop, so that a burst does not delay the next answers; more when many wait, so
 * that the queue shrinks however many requests each turn brings.
 */
const atOnce = 20;
const shareAtOnce = 0.2;
/** Requests remembered against doubles, and keys whose count is remembered. */
const rememberedRequests = 20_000;
const rememberedKeys = 50_000;

/** Builds the pipeline. */
export function createEventPipeline(options: {
  sinks: readonly EventSink[];
  /** Resolves when what the sinks were given is safe: see `LineWriter.settled`. */
  settled: () => Promise<void>;
  /**
   * Takes what it needs to judge the same again, which is not for standard output and is built after the answer; the
   * latest of each key counts.
   */
  reviews?: ((event: string, key: string) => void) | undefined;
  /** Told of each review that found the queue full. */
  dropped: () => void;
}): EventPipeline {
  const queue: { input: EventInput; key: string }[] = [];
  const requests = new LRUCache<string, true>({ max: rememberedRequests });
  const counts = new LRUCache<string, number>({ max: rememberedKeys });
  let scheduled = false;

  function emit(input: EventInput): string {
    const key = hash("sha256", eventKeyParts(input), "hex").slice(0, 32);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const text = JSON.stringify(admissionEvent(input, key, count));
    for (const sink of options.sinks) sink(text);
    return key;
  }

  function enqueue(input: EventInput, key: string): void {
    if (queue.length >= queueLimit) {
      options.dropped();
      return;
    }
    queue.push({ input, key });
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  }

  function turn(): void {
    tellReviews(Math.max(atOnce, Math.ceil(queue.length * shareAtOnce)));
    scheduled = queue.length > 0;
    if (scheduled) setImmediate(turn);
  }

  function tellReviews(most: number): void {
    for (const { input, key } of queue.splice(0, most)) {
      const review = reviewEvent(input, key);
      if (review !== undefined) options.reviews?.(JSON.stringify(review), key);
    }
  }

  return {
    push(input) {
      // The API server sends a request again, with the same uid, when its connection broke.
      const { uid } = input.request;
      if (!requests.has(uid)) {
        requests.set(uid, true);
        const key = emit(input);
        if (options.reviews !== undefined) enqueue(input, key);
      }
      return options.settled();
    },
    flush: () => tellReviews(queue.length),
  };
}
