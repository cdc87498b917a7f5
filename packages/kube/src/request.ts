import { setTimeout as sleepFor } from "node:timers/promises";
import { baseUrl, type KubeConfig } from "./config.ts";
import { KubeError, type Asked, type KubeErrorCode } from "./errors.ts";
import { createIdentity } from "./identity.ts";
import { queryString, type Query } from "./paths.ts";
import { errorOfAnswer } from "./status.ts";
import { createTransport, type KubeFetch } from "./transport.ts";

/** Limits of one call. */
export interface CallOptions {
  /** Ends the call early; the error is a `timeout`. */
  readonly signal?: AbortSignal | undefined;
  /** Time for the whole call, retries and body included, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** One request. */
export interface RequestSpec extends CallOptions {
  readonly method: string;
  readonly path: string;
  readonly query?: Query | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as it is. */
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  /** Whether asking twice is the same as asking once; only then is a failed request sent again. */
  readonly repeatable: boolean;
}

/** A whole answer with a success status, or with any status for {@link Requester.raw}. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** What one call came to, for metrics. */
export interface CallReport {
  readonly method: string;
  readonly path: string;
  readonly outcome: "ok" | KubeErrorCode;
  readonly attempts: number;
  readonly milliseconds: number;
}

/** What a client can be given from outside. */
export interface KubeOptions {
  /** @default node:http and node:https with kept-alive connections */
  readonly fetch?: KubeFetch;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
  /** @default a timer */
  readonly sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** From 0 to less than 1, for jitter. @default Math.random */
  readonly random?: () => number;
  /** Time for each call that sets none, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  /** Largest body read, in bytes. @default 67108864 */
  readonly maxResponseBytes?: number;
  /** Tells the API server and its audit log who asks. @default "gatehouse" */
  readonly userAgent?: string;
  /** Called after each call that is not a watch. */
  readonly onCall?: (report: CallReport) => void;
}

/** The parts of {@link KubeOptions} with their defaults in place. */
export interface Surroundings {
  readonly now: () => number;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

/** Sends requests with identity, deadline, retries and errors. */
export interface Requester {
  readonly surroundings: Surroundings;
  /** A whole answer; anything but a success is an error. */
  call(spec: RequestSpec): Promise<Answer>;
  /** A whole answer of any status; never sent twice. */
  raw(spec: RequestSpec): Promise<Answer>;
  /** An answer whose body is read by the caller. The deadline holds for the headers only. */
  stream(spec: RequestSpec): Promise<Response>;
}

const ATTEMPTS = 3;
/** A server that asks for a longer wait is not waited for. */
const LONGEST_WAIT_MS = 10_000;

async function readBounded(asked: Asked, response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) {
      throw new KubeError({
        code: "unexpected",
        asked,
        status: response.status,
        detail: `the answer is larger than ${limit} bytes`,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Makes the requester of a config. Opens no connection. */
export function createRequester(config: KubeConfig, options: KubeOptions = {}): Requester {
  const base = baseUrl(config);
  const fetch = options.fetch ?? createTransport();
  const now = options.now ?? Date.now;
  const surroundings: Surroundings = {
    now,
    random: options.random ?? Math.random,
    sleep:
      options.sleep ??
      (async (milliseconds, signal) => {
        await sleepFor(milliseconds, undefined, signal ? { signal } : {});
      }),
  };
  const identity = createIdentity(config, now);
  const defaultTimeout = options.timeoutMs ?? 10_000;
  const limit = options.maxResponseBytes ?? 64 * 1024 * 1024;

  /** Turns what the transport threw into a KubeError. */
  function failure(spec: RequestSpec, asked: Asked, deadline: AbortSignal, cause: unknown): KubeError {
    if (cause instanceof KubeError) return cause;
    if (spec.signal?.aborted) {
      return new KubeError({
        code: "timeout",
        asked,
        detail: "ended by the caller",
        cause: spec.signal.reason,
      });
    }
    if (deadline.aborted) {
      const detail = `no answer within ${spec.timeoutMs ?? defaultTimeout} ms`;
      return new KubeError({ code: "timeout", asked, detail, cause });
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    return new KubeError({ code: "unavailable", asked, detail: `no answer from ${base}: ${why}`, cause });
  }

  /** Sends once, and once more with a fresh credential when the first was refused. */
  async function send(spec: RequestSpec, signal: AbortSignal): Promise<Response> {
    for (let fresh = false; ; fresh = true) {
      const who = await identity.current();
      signal.throwIfAborted();
      const response = await fetch(`${base}${spec.path}${queryString(spec.query)}`, {
        method: spec.method,
        headers: {
          accept: spec.accept ?? "application/json",
          "user-agent": options.userAgent ?? "gatehouse",
          ...(spec.body === undefined ? {} : { "content-type": spec.contentType ?? "application/json" }),
          ...spec.headers,
          ...who.headers,
        },
        ...(spec.body === undefined ? {} : { body: spec.body }),
        signal,
        tls: who.tls,
      });
      if (response.status !== 401 || fresh || !identity.forget()) return response;
      await response.body?.cancel();
    }
  }

  async function once(spec: RequestSpec, asked: Asked, signal: AbortSignal, any: boolean): Promise<Answer> {
    const response = await send(spec, signal);
    const text = await readBounded(asked, response, limit);
    if (!any && (response.status < 200 || response.status > 299)) {
      throw errorOfAnswer(asked, response.status, text, response.headers.get("retry-after"));
    }
    return { status: response.status, headers: response.headers, text };
  }

  /** How long to wait before the next attempt, or undefined when there shall be none. */
  function waitBefore(attempt: number, error: KubeError): number | undefined {
    const passing = error.code === "throttled" || error.code === "unavailable";
    if (!passing || attempt >= ATTEMPTS) return undefined;
    const wait = error.retryAfterMs ?? surroundings.random() * 200 * 2 ** attempt;
    return wait > LONGEST_WAIT_MS ? undefined : wait;
  }

  async function run(spec: RequestSpec, any: boolean): Promise<Answer> {
    const asked: Asked = { method: spec.method, path: spec.path };
    const started = now();
    const deadline = AbortSignal.timeout(spec.timeoutMs ?? defaultTimeout);
    const signal = spec.signal ? AbortSignal.any([spec.signal, deadline]) : deadline;
    let attempt = 0;
    const report = (outcome: CallReport["outcome"]): void =>
      options.onCall?.({ ...asked, outcome, attempts: attempt, milliseconds: now() - started });
    for (;;) {
      attempt += 1;
      let failed: KubeError;
      try {
        const answer = await once(spec, asked, signal, any);
        report("ok");
        return answer;
      } catch (cause) {
        failed = failure(spec, asked, deadline, cause);
      }
      const wait = spec.repeatable ? waitBefore(attempt, failed) : undefined;
      const slept =
        wait !== undefined &&
        (await surroundings.sleep(wait, signal).then(
          () => !signal.aborted,
          () => false,
        ));
      if (!slept) {
        report(failed.code);
        throw failed;
      }
    }
  }

  return {
    surroundings,
    call: (spec) => run(spec, false),
    raw: (spec) => run({ ...spec, repeatable: false }, true),
    async stream(spec) {
      const asked: Asked = { method: spec.method, path: spec.path };
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), spec.timeoutMs ?? defaultTimeout);
      const signal = spec.signal ? AbortSignal.any([spec.signal, deadline.signal]) : deadline.signal;
      try {
        const response = await send(spec, signal);
        if (response.status === 200) return response;
        const text = await readBounded(asked, response, limit);
        throw errorOfAnswer(asked, response.status, text, response.headers.get("retry-after"));
      } catch (cause) {
        throw failure(spec, asked, deadline.signal, cause);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
