import {
  BrokenCircuitError,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
} from "cockatiel";
import pLimit from "p-limit";
import { RegistryError } from "./errors.ts";

/** How much one host is asked for. */
export interface PaceOptions {
  /** Requests under way at once. @default 128 */
  concurrency?: number;
  /** Requests that may be sent at once after a quiet time. @default 1000 */
  burst?: number;
  /** Requests per second in the long run. @default 100 */
  perSecond?: number;
  /** Failures in a row after which nothing is sent for a while. @default 8 */
  failuresInARow?: number;
  /** How long nothing is sent, at first; doubles up to a minute. @default 2000 */
  openForMs?: number;
  /** Longest that one request waits for its turn, or for a Retry-After. @default 10000 */
  longestWaitMs?: number;
}

/** Milliseconds, from any fixed start. */
export type Clock = () => number;

/** Runs requests to one host, no more and no faster than it can take. */
export interface Pace {
  /** @throws RegistryError `broken` or `throttled` without having called `send`; else what `send` throws. */
  run<T>(send: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** The host asked to be left alone for so long. */
  pause(ms: number): void;
}

/** Failures that say that the host is ill. */
function isIll(error: unknown): boolean {
  return error instanceof RegistryError && error.code === "network";
}

type Outcome<T> = { value: T } | { error: unknown };

/**
 * A pace for one host: a bucket of tokens, a bound on requests under way, and a circuit breaker for a host that is
 * ill.
 */
export function createPace(host: string, now: Clock, options: PaceOptions = {}): Pace {
  const limit = pLimit(options.concurrency ?? 128);
  const burst = options.burst ?? 1000;
  const perMs = (options.perSecond ?? 100) / 1000;
  const longestWait = options.longestWaitMs ?? 10_000;
  const breaker = circuitBreaker(handleAll, {
    breaker: new ConsecutiveBreaker(options.failuresInARow ?? 8),
    halfOpenAfter: new ExponentialBackoff({ initialDelay: options.openForMs ?? 2000, maxDelay: 60_000 }),
  });
  let tokens = burst;
  let filledAt = now();
  let pausedUntil = 0;

  /** Takes one token, which may leave the bucket in debt: the debt is what the taker waits for. */
  function waitForToken(): number {
    const at = now();
    if (at < filledAt) {
      // The clock was put back: what was to come is as far away as before, and no debt is made of the step.
      pausedUntil -= filledAt - at;
      filledAt = at;
    }
    tokens = Math.min(burst, tokens + (at - filledAt) * perMs);
    filledAt = at;
    const wait = Math.max(pausedUntil - at, tokens < 1 ? (1 - tokens) / perMs : 0);
    if (wait > longestWait)
      throw new RegistryError(
        "throttled",
        `${host}: asked too often; free again in ${Math.ceil(wait / 1000)} s`,
        {
          retryAfterMs: wait,
        },
      );
    tokens -= 1;
    return wait;
  }

  return {
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, now() + Math.min(ms, 5 * 60_000));
    },
    async run<T>(send: () => Promise<T>, signal: AbortSignal) {
      return await limit(async () => {
        signal.throwIfAborted();
        const wait = waitForToken();
        if (wait > 0) await sleep(wait, signal);
        try {
          const outcome = await breaker.execute(async (): Promise<Outcome<T>> => {
            try {
              return { value: await send() };
            } catch (error) {
              // A refusal or a missing tag says that the host is well, and ends a row of failures.
              if (isIll(error)) throw error;
              return { error };
            }
          });
          if ("error" in outcome) throw outcome.error;
          return outcome.value;
        } catch (error) {
          if (!(error instanceof BrokenCircuitError)) throw error;
          throw new RegistryError("broken", `${host}: not asked, its last answers were all errors`, {
            cause: error,
          });
        }
      });
    },
  };
}

/** Waits, or rejects with the signal's reason. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, 10.2.3). */
export function retryAfter(header: string | null, wallClock: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header.trim()) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallClock);
}
