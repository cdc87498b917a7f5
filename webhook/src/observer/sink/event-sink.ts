/** Sends events on: bounded, in batches, again and again while the receiver is away. What is lost is counted. */
import type { Log } from "../../judge/log.ts";

/** What a receiver answered. */
export interface SinkAnswer {
  readonly status: number;
  /** How long it asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/** Sends one request; rejects when there was no answer. */
export type Send = (request: { type: string; body: string; signal: AbortSignal }) => Promise<SinkAnswer>;

/** Why events were lost. */
export type DropReason = "full" | "refused" | "stopped";

/** A queue of events for one receiver. */
export interface EventSink {
  /** Takes one event as its JSON text. Never throws, never waits. */
  push(event: string): void;
  /** Events that wait or are under way. */
  readonly waiting: number;
  /** Characters of them. */
  readonly length: number;
  /** Why the last attempt failed; undefined when it did not. */
  readonly problem: string | undefined;
  /** Sends what waits for at most so long; the rest is counted as dropped. */
  close(graceMs: number): Promise<void>;
}

/** How events are sent, how many may wait, and who counts them. */
export interface EventSinkOptions {
  /** Batches, or one event in each request: the content modes of CloudEvents over HTTP. */
  format: "batched" | "structured";
  send: Send;
  /** Told of events that the receiver took. */
  sent: (events: number) => void;
  /** Told of events that are lost, and why. */
  dropped: (events: number, reason: DropReason) => void;
  log: Log;
  /** Events and characters that may wait. @default 10000, 32 Mi */
  maxEvents?: number;
  maxLength?: number;
  /** First and longest pause after a failure, in milliseconds. @default 500, 60000 */
  pausesMs?: { first: number; longest: number };
  /** From 0 to less than 1. */
  random?: () => number;
}

/** Event Grid takes 1 MiB a request, and others about as much. */
const batchLength = 512 * 1024;
const batchEvents = 100;
/** Requests at a time, where each has one event. */
const structuredAtOnce = 8;
/** How long a batch is gathered, and how long one request may take; milliseconds. */
const gatherMs = 200;
const sendMs = 15_000;

/** Statuses that say that these very events are not taken. Every other failure may pass, whatever its cause. */
const refusals: ReadonlySet<number> = new Set([400, 413, 422]);

/** Starts with an empty queue. Full, it drops the oldest: standard output has them. */
export function createEventSink(options: EventSinkOptions): EventSink {
  const { format, send, log } = options;
  const { maxEvents = 10_000, maxLength = 32 * 1024 * 1024, random = Math.random } = options;
  const { first, longest } = options.pausesMs ?? { first: 500, longest: 60_000 };
  const most = format === "structured" ? 1 : batchEvents;
  const atOnce = format === "structured" ? structuredAtOnce : 1;
  const type = `application/cloudevents${format === "structured" ? "" : "-batch"}+json; charset=utf-8`;
  const queue: string[] = [];
  /** Were under way once: they go first, and are never dropped to make room. */
  const again: string[][] = [];
  const stopping = new AbortController();
  let queued = 0;
  let underWay = 0;
  let underWayLength = 0;
  let active = 0;
  let pause = first;
  let problem: string | undefined;
  let paused: NodeJS.Timeout | undefined;
  let gathering: NodeJS.Timeout | undefined;
  let idle: () => void = () => {};
  let closed = false;

  function take(): string[] {
    const batch: string[] = [];
    let length = 0;
    for (const event of queue) {
      if (batch.length === most || (batch.length > 0 && length + event.length > batchLength)) break;
      batch.push(event);
      length += event.length;
    }
    queue.splice(0, batch.length);
    queued -= length;
    underWay += batch.length;
    underWayLength += length;
    return batch;
  }

  function done(batch: readonly string[]): void {
    underWay -= batch.length;
    for (const event of batch) underWayLength -= event.length;
  }

  function trim(): void {
    let excess = 0;
    while (queue.length > 0 && (queue.length + underWay > maxEvents || queued + underWayLength > maxLength)) {
      queued -= queue.shift()?.length ?? 0;
      excess++;
    }
    if (excess > 0) options.dropped(excess, "full");
  }

  async function attempt(batch: readonly string[]): Promise<SinkAnswer | { failed: string }> {
    try {
      const body = format === "structured" ? (batch[0] ?? "") : `[${batch.join(",")}]`;
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(sendMs)]);
      return await send({ type, body, signal });
    } catch (error) {
      return { failed: error instanceof Error ? error.message : String(error) };
    }
  }

  async function deliver(batch: string[]): Promise<void> {
    active++;
    const answer = await attempt(batch);
    active--;
    if ("status" in answer && answer.status >= 200 && answer.status < 300) {
      done(batch);
      options.sent(batch.length);
      pause = first;
      problem = undefined;
    } else if ("status" in answer && refusals.has(answer.status)) {
      fail(`the receiver refuses events with status ${answer.status}`);
      if (batch.length === 1) {
        done(batch);
        options.dropped(1, "refused");
      } else {
        // One that it cannot take shall not keep the others away.
        const half = Math.ceil(batch.length / 2);
        again.unshift(batch.slice(0, half), batch.slice(half));
      }
    } else {
      fail("failed" in answer ? answer.failed : `the receiver answered ${answer.status}`);
      again.unshift(batch);
      const asked = "status" in answer ? (answer.retryAfterMs ?? 0) : 0;
      wait(Math.min(longest, Math.max(asked, pause * (0.5 + random() / 2))));
      pause = Math.min(longest, pause * 2);
    }
    pump();
  }

  function fail(why: string): void {
    if (problem === undefined) log("warn", "the event sink does not take events", { why });
    problem = why;
  }

  function wait(ms: number): void {
    if (paused !== undefined || closed) return;
    paused = setTimeout(() => {
      paused = undefined;
      pump();
    }, ms);
    paused.unref();
  }

  function pump(): void {
    if (stopping.signal.aborted) {
      if (active === 0) idle();
      return;
    }
    for (let free = paused === undefined ? atOnce - active : 0; free > 0; free -= 1) {
      const batch = again.shift() ?? (queue.length > 0 ? take() : undefined);
      if (batch === undefined) break;
      void deliver(batch);
    }
    if (active === 0 && queue.length + again.length === 0) idle();
  }

  return {
    push(event) {
      if (closed) {
        options.dropped(1, "stopped");
        return;
      }
      queue.push(event);
      queued += event.length;
      trim();
      if (queue.length >= most && active < atOnce) pump();
      else
        gathering ??= setTimeout(() => {
          gathering = undefined;
          pump();
        }, gatherMs).unref();
    },
    get waiting() {
      return queue.length + underWay;
    },
    get length() {
      return queued + underWayLength;
    },
    get problem() {
      return problem;
    },
    async close(graceMs) {
      if (closed) return;
      closed = true;
      clearTimeout(gathering);
      clearTimeout(paused);
      paused = undefined;
      const finished = new Promise<void>((resolve) => {
        idle = resolve;
      });
      const end = setTimeout(() => {
        stopping.abort();
        pump();
      }, graceMs);
      pump();
      await finished;
      clearTimeout(end);
      const left = queue.length + underWay;
      if (left > 0) options.dropped(left, "stopped");
      queue.length = 0;
      queued = 0;
      underWay = 0;
      underWayLength = 0;
    },
  };
}
