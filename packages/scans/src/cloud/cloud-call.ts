/**
 * Requests to a cloud's own interfaces: paced by host, retried, bounded in size and time, and aware of how far this
 * machine's clock is from the cloud's.
 */
import { readBody } from "../registry/body.ts";
import { RegistryError } from "../registry/errors.ts";
import { createPace, retryAfter, sleep, type Pace, type PaceOptions } from "../registry/pace.ts";
import type { RegistryFetch } from "../registry/transport.ts";
import type { Endpoint } from "./endpoint.ts";

/** One request as it goes out, signed or with its token. The caller adds `user-agent` and `accept-encoding`. */
export interface CloudRequest {
  method: "GET" | "POST";
  url: URL;
  headers: Record<string, string>;
  body?: string | undefined;
}

/** An answer whose body was read to its end, within the caller's limits of time and bytes. */
export interface CloudAnswer {
  status: number;
  headers: Headers;
  /** The body, as UTF-8 whatever its type says; `jsonOf` reads it. */
  text: string;
  /** Milliseconds by which the cloud's clock is ahead of this machine's, by the answer's `Date`; 0 when it has none. */
  clockAheadMs: number;
}

/** One question to a cloud, which may take several attempts. */
export interface CloudCall {
  endpoint: Endpoint;
  /** Made anew for each attempt, since signatures hold the time. */
  request: (attempt: { clockAheadMs: number }) => CloudRequest | Promise<CloudRequest>;
  /** Whether an answer other than 429 asks for less. */
  throttles?: (answer: CloudAnswer) => boolean;
  /** Names the bucket that it is paced by. @default the host */
  pace?: string;
  /** Looks at each answer and says how long this bucket is left alone, in milliseconds. */
  rest?: (answer: CloudAnswer) => number | undefined;
  /** Ends the call, its waits between attempts included. */
  signal: AbortSignal;
}

/**
 * Sends one call and gives every answer but those that ask for less or speak of the server's own trouble.
 * @throws RegistryError `throttled`, `network`, `broken`, `too-large`, `mismatch` or `refused`.
 */
export type CloudCaller = (call: CloudCall) => Promise<CloudAnswer>;

/** What calls of one kind have in common. */
export interface CloudCallerOptions {
  fetch: RegistryFetch;
  /** Milliseconds since 1970. */
  now: () => number;
  /** How much each bucket is asked for. */
  pace?: PaceOptions | undefined;
  /** Longest that one request may take. @default 10000 */
  requestTimeoutMs?: number;
  /** @default 3 */
  attempts?: number;
  /** Bytes of an answer that are read. @default 16 MiB */
  answerLimit?: number;
  /** From 0 to 1, for the spread of retries. @default Math.random */
  random?: () => number;
}

/** Longest Retry-After that one call sits out. */
const longestRetryWaitMs = 10_000;
/** Buckets that are kept; names come from the configuration and from the accounts in named hosts. */
const keptBuckets = 500;

/** A caller that remembers the pace of each bucket and the clock of each host, so it is made once and shared. */
export function createCloudCaller(options: CloudCallerOptions): CloudCaller {
  const { fetch, now } = options;
  const random = options.random ?? Math.random;
  const limit = options.answerLimit ?? 16 * 1024 * 1024;
  const paces = new Map<string, Pace>();
  const clocks = new Map<string, number>();

  function paceFor(bucket: string): Pace {
    let pace = paces.get(bucket);
    if (pace === undefined) {
      if (paces.size >= keptBuckets) paces.clear();
      pace = createPace(bucket, now, options.pace);
      paces.set(bucket, pace);
    }
    return pace;
  }

  async function once(call: CloudCall): Promise<CloudAnswer> {
    const { endpoint, signal } = call;
    const { host } = endpoint.base;
    const pace = paceFor(call.pace ?? host);
    return await pace.run(async () => {
      const timeout = AbortSignal.timeout(options.requestTimeoutMs ?? 10_000);
      const both = AbortSignal.any([signal, timeout]);
      const { url, method, headers, body } = await call.request({ clockAheadMs: clocks.get(host) ?? 0 });
      let answer: CloudAnswer;
      try {
        const response = await fetch(url.href, {
          method,
          headers: { "user-agent": "gatehouse", "accept-encoding": "identity", ...headers },
          body,
          signal: both,
          redirect: "manual",
          reach: endpoint.reach,
          ...(endpoint.ca === undefined ? {} : { ca: endpoint.ca }),
          ...(endpoint.connect === undefined ? {} : { connect: endpoint.connect }),
        });
        const bytes = await readBody(response, limit, host);
        answer = {
          status: response.status,
          headers: response.headers,
          text: new TextDecoder().decode(bytes),
          clockAheadMs: aheadBy(response.headers.get("date"), now()),
        };
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof RegistryError) throw error;
        if (timeout.aborted)
          throw new RegistryError("network", `${host}: no answer in time`, { cause: error });
        const code = (error as { code?: unknown }).code;
        if (code === "EADDRREFUSED")
          throw new RegistryError("refused", `${host}: ${(error as Error).message}`, { cause: error });
        throw new RegistryError(
          "network",
          `${host}: no connection${typeof code === "string" ? ` (${code})` : ""}`,
          {
            cause: error,
          },
        );
      }
      clocks.set(host, answer.clockAheadMs);
      const { status } = answer;
      const rest = call.rest?.(answer);
      if (rest !== undefined) pace.pause(rest);
      if (status === 429 || call.throttles?.(answer) === true) {
        const wait = retryAfter(answer.headers.get("retry-after"), now() + answer.clockAheadMs);
        if (wait !== undefined) pace.pause(wait);
        throw new RegistryError("throttled", `${host}: asks for fewer requests`, {
          status,
          retryAfterMs: wait,
        });
      }
      if (status >= 500) {
        const wait = retryAfter(answer.headers.get("retry-after"), now() + answer.clockAheadMs);
        if (wait !== undefined) pace.pause(wait);
        throw new RegistryError("network", `${host}: answered ${status}`, { status, retryAfterMs: wait });
      }
      if (status >= 300 && status < 400)
        throw new RegistryError("refused", `${host}: answered with a redirect, which is not followed`, {
          status,
        });
      return answer;
    }, signal);
  }

  return async (call) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(call);
      } catch (error) {
        const again =
          attempt < (options.attempts ?? 3) &&
          error instanceof RegistryError &&
          (error.code === "network" || error.code === "throttled") &&
          (error.retryAfterMs ?? 0) <= longestRetryWaitMs;
        if (!again) throw error;
        await sleep(error.retryAfterMs ?? 150 * 4 ** (attempt - 1) * (0.5 + random()), call.signal);
      }
    }
  };
}

/** How far the clock that wrote an HTTP date is ahead; within two seconds it tells nothing, for it has whole seconds. */
function aheadBy(date: string | null, at: number): number {
  const there = date === null ? Number.NaN : Date.parse(date);
  const ahead = there - at;
  return Number.isFinite(ahead) && Math.abs(ahead) > 2000 ? ahead : 0;
}

/** The JSON in an answer. @throws RegistryError `malformed`. */
export function jsonOf({ text, status }: CloudAnswer, host: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RegistryError("malformed", `${host}: expected a JSON object, got something else`, { status });
  return value as Record<string, unknown>;
}
