/** From verdicts to event lines: counted, bounded and never in an admission's way. */
import { hash } from "node:crypto";
import { admissionEvent, eventKeyParts, reviewEvent, type EventInput } from "@gatehouse/policy";
import { LRUCache } from "lru-cache";

/** Takes one event as its JSON text, without a line feed. Never throws, never waits. */
export type EventSink = (event: string) => void;

export interface EventPipeline {
  /** Queues the event about one verdict; cheap, and after the answer. Doubled requests count once. */
  push(input: EventInput): void;
  /** Hands all that is queued to the sinks. */
  flush(): void;
}

/** Verdicts that may wait to become events. */
const queueLimit = 5_000;
/**
 * Events built in one turn of the event loop, so that a burst does not delay the next answers; more when many wait, so
 * that the queue shrinks however many requests each turn brings.
 */
const atOnce = 20;
const shareAtOnce = 0.2;
/** Requests remembered against doubles, and keys whose count is remembered. */
const rememberedRequests = 20_000;
const rememberedKeys = 50_000;

/** Builds the pipeline; `dropped` is told of each verdict that found the queue full. */
export function createEventPipeline(options: {
  sinks: readonly EventSink[];
  /** Takes what it needs to judge the same again, which is not for standard output; the latest of each key counts. */
  reviews?: ((event: string, key: string) => void) | undefined;
  dropped: () => void;
}): EventPipeline {
  const queue: EventInput[] = [];
  const requests = new LRUCache<string, true>({ max: rememberedRequests });
  const counts = new LRUCache<string, number>({ max: rememberedKeys });
  let scheduled = false;

  function emit(input: EventInput): void {
    const key = hash("sha256", eventKeyParts(input), "hex").slice(0, 32);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const text = JSON.stringify(admissionEvent(input, key, count));
    for (const sink of options.sinks) sink(text);
    const review = options.reviews && reviewEvent(input, key);
    if (review !== undefined) options.reviews?.(JSON.stringify(review), key);
  }

  function turn(): void {
    for (const input of queue.splice(0, Math.max(atOnce, Math.ceil(queue.length * shareAtOnce)))) emit(input);
    scheduled = queue.length > 0;
    if (scheduled) setImmediate(turn);
  }

  return {
    push(input) {
      // The API server sends a request again, with the same uid, when its connection broke.
      const { uid } = input.request;
      if (requests.has(uid)) return;
      if (queue.length >= queueLimit) {
        options.dropped();
        return;
      }
      requests.set(uid, true);
      queue.push(input);
      if (!scheduled) {
        scheduled = true;
        setImmediate(turn);
      }
    },
    flush() {
      for (const input of queue.splice(0)) emit(input);
    },
  };
}
