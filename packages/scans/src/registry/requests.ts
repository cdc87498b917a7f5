import type { Credential } from "../credentials/login.ts";
import { isLiteralOrLocal, type Reach } from "./addresses.ts";
import { createAuth } from "./auth.ts";
import { readBody } from "./body.ts";
import { RegistryError } from "./errors.ts";
import { dialledHost } from "./hosts.ts";
import { retryAfter, sleep, type Pace } from "./pace.ts";
import type { RegistryFetch } from "./transport.ts";

/** How one registry is reached; everything but the name comes from its source's configuration. */
export interface RegistryOptions {
  /** As parsed references have it: `docker.io`, `example.com:5000`. */
  registry: string;
  credential: Credential;
  /** Dials http, and sends no credentials then. @default false */
  plainHttp?: boolean;
  /** Dial this `host:port` instead. */
  endpoint?: string;
  /** PEM of more authorities. */
  ca?: string;
  /** Other hosts whose token realms may be sent this registry's credentials. */
  tokenRealms?: readonly string[];
  fetch: RegistryFetch;
  /** Milliseconds since 1970. */
  now: () => number;
  /** The pace for a host; realms and redirect targets have their own. */
  pace: (host: string) => Pace;
  /** Longest that one request may take. @default 10000 */
  requestTimeoutMs?: number;
}

/** Requests to one registry: authenticated, paced, tried again, and redirected only where they may. */
export interface Requests {
  /** `https://host[:port]` that it is dialled as. */
  readonly base: URL;
  /** An answer of status 200. Rejects with a `RegistryError`, or with the signal's reason. */
  readonly send: (
    method: "GET" | "HEAD",
    url: URL,
    repository: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ) => Promise<Response>;
}

const tokenLimit = 256 * 1024;
const maxRedirects = 3;
const maxAttempts = 3;
const longestRetryWaitMs = 10_000;

/**
 * Three attempts and three redirects at most. A redirect to another host is followed over https, to a public address
 * and without credentials.
 */
export function createRequests(options: RegistryOptions): Requests {
  const { registry, fetch, now } = options;
  const plainHttp = options.plainHttp === true;
  const host = dialledHost(registry);
  const base = new URL(`${plainHttp ? "http" : "https"}://${host}`);
  const connect = options.endpoint === undefined ? undefined : splitEndpoint(options.endpoint, plainHttp);
  const ownReach: Reach = connect !== undefined || isLiteralOrLocal(base.hostname) ? "any" : "private";

  const auth = createAuth({
    registry,
    origin: base.origin,
    credential: options.credential,
    plainHttp,
    tokenRealms: options.tokenRealms ?? [],
    now,
    get: async (url, headers, signal) => await send("GET", url, headers, signal),
    text: async (response) =>
      new TextDecoder().decode(await readBody(response, tokenLimit, `${registry}: token`)),
  });

  /** One request to one host, paced; network trouble becomes a RegistryError. */
  async function send(
    method: "GET" | "HEAD",
    url: URL,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Response> {
    const own = url.origin === base.origin;
    const pace = options.pace(url.host);
    return await pace.run(async () => {
      const timeout = AbortSignal.timeout(options.requestTimeoutMs ?? 10_000);
      let response: Response;
      try {
        response = await fetch(url.href, {
          method,
          headers: { "user-agent": "gatehouse", "accept-encoding": "identity", ...headers },
          signal: AbortSignal.any([signal, timeout]),
          redirect: "manual",
          reach: own ? ownReach : "public",
          ...(own && options.ca !== undefined ? { ca: options.ca } : {}),
          ...(own && connect !== undefined ? { connect } : {}),
        });
      } catch (error) {
        signal.throwIfAborted();
        if (timeout.aborted)
          throw new RegistryError("network", `${url.host}: no answer in time`, { cause: error });
        if ((error as { code?: unknown }).code === "EADDRREFUSED")
          throw new RegistryError("refused", `${url.host}: ${(error as Error).message}`, { cause: error });
        throw new RegistryError("network", `${url.host}: ${describe(error)}`, { cause: error });
      }
      if (response.status === 429 || response.status === 503) {
        const wait = retryAfter(response.headers.get("retry-after"), now());
        if (wait !== undefined) pace.pause(wait);
        void response.body?.cancel();
        throw new RegistryError(
          response.status === 429 ? "throttled" : "network",
          `${url.host}: answered ${response.status}`,
          {
            status: response.status,
            retryAfterMs: wait,
          },
        );
      }
      if (response.status >= 500) {
        void response.body?.cancel();
        throw new RegistryError("network", `${url.host}: answered ${response.status}`, {
          status: response.status,
        });
      }
      return response;
    }, signal);
  }

  /** With authentication, redirects and retries. Answers with status 200, or rejects. */
  async function request(
    method: "GET" | "HEAD",
    url: URL,
    repository: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await authorised(method, url, repository, headers, signal);
      } catch (error) {
        const again =
          attempt < maxAttempts &&
          error instanceof RegistryError &&
          (error.code === "network" || error.code === "throttled") &&
          (error.retryAfterMs ?? 0) <= longestRetryWaitMs;
        if (!again) throw error;
        await sleep(error.retryAfterMs ?? 100 * 4 ** (attempt - 1) * (0.5 + Math.random()), signal);
      }
    }
  }

  async function authorised(
    method: "GET" | "HEAD",
    url: URL,
    repository: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Response> {
    let header = await auth.header(repository, signal);
    let response = await follow(method, url, header, headers, signal);
    if (response.status === 401) {
      void response.body?.cancel();
      auth.challenged(response.headers.get("www-authenticate"), header, repository);
      header = await auth.header(repository, signal);
      if (header === undefined)
        throw new RegistryError("denied", `${registry}: wants a login and has none configured`, {
          status: 401,
        });
      response = await follow(method, url, header, headers, signal);
    }
    if (response.status === 200) return response;
    void response.body?.cancel();
    throw new RegistryError(
      response.status === 404 || response.status === 405 || response.status === 410
        ? "not-found"
        : response.status === 401 || response.status === 403
          ? "denied"
          : "malformed",
      `${registry}/${repository}: answered ${response.status}`,
      { status: response.status },
    );
  }

  /** Follows a few redirects. Only the registry's own origin ever gets its `Authorization`. */
  async function follow(
    method: "GET" | "HEAD",
    start: URL,
    authorization: string | undefined,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Response> {
    let url = start;
    for (let hops = 0; hops <= maxRedirects; hops++) {
      const own = url.origin === base.origin;
      const sent = own && authorization !== undefined ? { ...headers, authorization } : headers;
      const response = await send(method, url, sent, signal);
      if (![301, 302, 303, 307, 308].includes(response.status)) {
        // A foreign host's challenge is not the registry's: it gets nothing.
        if (own || response.status !== 401) return response;
        void response.body?.cancel();
        throw new RegistryError("denied", `${registry}: ${url.host}, to which it redirects, answered 401`);
      }
      void response.body?.cancel();
      url = redirectTarget(url, response.headers.get("location"));
    }
    throw new RegistryError("refused", `${registry}: redirects more than ${maxRedirects} times`);
  }

  function redirectTarget(from: URL, location: string | null): URL {
    const refuse = (why: string): RegistryError =>
      new RegistryError(
        "refused",
        `${registry}: redirects to ${JSON.stringify(location?.slice(0, 100))}, ${why}`,
      );
    if (location === null || !URL.canParse(location, from.href)) throw refuse("which is not a URL");
    const target = new URL(location, from);
    if (target.username !== "" || target.password !== "") throw refuse("which holds a user name");
    if (target.origin === base.origin) return target;
    if (target.protocol !== "https:") throw refuse("which is not https");
    if (isLiteralOrLocal(target.hostname)) throw refuse("which is an address or a local name");
    return target;
  }

  return { base, send: request };
}

function splitEndpoint(endpoint: string, plainHttp: boolean): { host: string; port: number } {
  const address = new URL(`http://${endpoint}`);
  const port = /:(\d{1,5})$/.exec(endpoint)?.[1];
  return {
    host: address.hostname.replace(/^\[|\]$/g, ""),
    port: port === undefined ? (plainHttp ? 80 : 443) : Number(port),
  };
}

/** What went wrong below HTTP, without addresses that a requester has no business to learn. */
function describe(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string") return `no connection (${code})`;
  return error instanceof Error ? error.message : "no connection";
}
