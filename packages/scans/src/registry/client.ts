import { createHash } from "node:crypto";
import type { Credential } from "../credentials/login.ts";
import { isLiteralOrLocal, type Reach } from "./addresses.ts";
import { createAuth } from "./auth.ts";
import { readBody } from "./body.ts";
import { RegistryError } from "./errors.ts";
import { dialledHost } from "./hosts.ts";
import {
  acceptManifests,
  parseManifest,
  type Descriptor,
  type ImageIndex,
  type ImageManifest,
} from "./manifest.ts";
import { retryAfter, sleep, type Pace } from "./pace.ts";
import { readReferrers, type ReferrerList } from "./referrers.ts";
import type { RegistryFetch } from "./transport.ts";

/** How one registry is reached; everything but the name comes from its source's configuration. */
export interface RegistryOptions {
  /** As parsed references have it: `docker.io`, `example.com:5000`. */
  registry: string;
  credential: Credential;
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

/** A manifest whose bytes match its digest. */
export interface VerifiedManifest {
  /** SHA-256 of the bytes received. */
  digest: string;
  mediaType: string;
  size: number;
  manifest: ImageManifest | ImageIndex;
}

/** Reads from one registry. All methods reject with a `RegistryError`, or with the signal's reason. */
export interface RegistryClient {
  /** By tag or digest. The digest returned is computed, never taken from a header. */
  manifest(repository: string, reference: string, signal: AbortSignal): Promise<VerifiedManifest>;
  /**
   * What a tag names now, as the registry says: cheaper than `manifest` and not counted as a pull, but without bytes
   * to check, so of use only to confirm a digest whose manifest was verified before. `undefined` when it does not say.
   */
  tagDigest(repository: string, tag: string, signal: AbortSignal): Promise<string | undefined>;
  /** Content by descriptor, at most `limit` bytes; digest and size are verified. */
  blob(repository: string, descriptor: Descriptor, signal: AbortSignal, limit?: number): Promise<Uint8Array>;
  /** What is attached to a digest, by the referrers API or the fallback tag. */
  referrers(
    repository: string,
    digest: string,
    options: { artifactType?: string },
    signal: AbortSignal,
  ): Promise<ReferrerList>;
}

const manifestLimit = 4 * 1024 * 1024;
const blobLimit = 32 * 1024 * 1024;
const tokenLimit = 256 * 1024;
const maxRedirects = 3;
const maxAttempts = 3;
const longestRetryWaitMs = 10_000;

const repositoryGrammar =
  /^[a-z0-9]+(?:(?:__|[._]|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:__|[._]|-+)[a-z0-9]+)*)*$/;
const tagGrammar = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const sha256Digest = /^sha256:[0-9a-f]{64}$/;

export function createRegistryClient(options: RegistryOptions): RegistryClient {
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

  function url(repository: string, rest: string): URL {
    if (repository.length > 255 || !repositoryGrammar.test(repository))
      throw new RegistryError(
        "malformed",
        `${registry}: ${JSON.stringify(repository)} is no repository name`,
      );
    return new URL(`/v2/${repository}/${rest}`, base);
  }

  function checkReference(reference: string): void {
    if (tagGrammar.test(reference) || sha256Digest.test(reference)) return;
    throw new RegistryError(
      "unsupported",
      `${registry}: expected a tag or a sha256 digest, got ${JSON.stringify(reference)}`,
    );
  }

  const client: RegistryClient = {
    async manifest(repository, reference, signal) {
      checkReference(reference);
      const where = `${registry}/${repository}${reference.includes(":") ? "@" : ":"}${reference}`;
      const headers = { accept: acceptManifests };
      const response = await request(
        "GET",
        url(repository, `manifests/${reference}`),
        repository,
        headers,
        signal,
      );
      const bytes = await readBody(response, manifestLimit, where);
      const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      const claimed = response.headers.get("docker-content-digest");
      const expected = reference.includes(":")
        ? reference
        : claimed?.startsWith("sha256:") === true
          ? claimed
          : digest;
      if (digest !== expected)
        throw new RegistryError(
          "mismatch",
          `${where}: the bytes sent have digest ${digest}, not ${expected}`,
        );
      const mediaType = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
      return { digest, mediaType, size: bytes.byteLength, manifest: parseManifest(bytes, mediaType, where) };
    },

    async tagDigest(repository, tag, signal) {
      checkReference(tag);
      const headers = { accept: acceptManifests };
      const response = await request(
        "HEAD",
        url(repository, `manifests/${tag}`),
        repository,
        headers,
        signal,
      );
      const digest = response.headers.get("docker-content-digest");
      return digest !== null && sha256Digest.test(digest) ? digest : undefined;
    },

    async blob(repository, descriptor, signal, limit = blobLimit) {
      const { digest, size } = descriptor;
      const where = `${registry}/${repository}@${digest}`;
      if (!sha256Digest.test(digest))
        throw new RegistryError("unsupported", `${where}: only sha256 digests are read`);
      if (size > limit)
        throw new RegistryError(
          "too-large",
          `${where}: has ${size} bytes, more than the ${limit} that are read`,
        );
      const response = await request("GET", url(repository, `blobs/${digest}`), repository, {}, signal);
      const bytes = await readBody(response, size, where);
      const actual = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      if (bytes.byteLength !== size || actual !== digest)
        throw new RegistryError(
          "mismatch",
          `${where}: the ${bytes.byteLength} bytes sent are not that content`,
        );
      return bytes;
    },

    async referrers(repository, digest, { artifactType }, signal) {
      checkReference(digest);
      const get = async (target: URL): Promise<Response> =>
        await request("GET", target, repository, { accept: acceptManifests }, signal);
      const start = url(repository, `referrers/${digest}`);
      return await readReferrers({
        start,
        where: `${registry}/${repository}@${digest}`,
        artifactType,
        get,
        fallback: async () => (await client.manifest(repository, digest.replace(":", "-"), signal)).manifest,
      });
    },
  };
  return client;
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
