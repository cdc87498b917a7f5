import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { Readable } from "node:stream";
import { createSecureContext, getCACertificates } from "node:tls";
import { guardedLookup, mayReach, type Reach } from "./addresses.ts";

/** One request as the client hands it to a {@link RegistryFetch}. */
export interface RegistryRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
  /** Redirects are decided by the client, hop by hop. */
  readonly redirect: "manual";
  /** PEM of authorities trusted for this host besides the usual ones. */
  readonly ca?: string | undefined;
  /** Dial this host and port; URL, Host header and the name in the certificate stay the registry's. */
  readonly connect?: { readonly host: string; readonly port: number } | undefined;
  readonly reach: Reach;
}

/** Like the global `fetch`, with what a registry needs besides. A Hono app's `request` fits as well. */
export type RegistryFetch = (url: string, request: RegistryRequest) => Promise<Response>;

const IDLE_SOCKET_MS = 30_000;

/**
 * A transport over node:http and node:https. Node's global fetch takes neither an authority nor a name resolver per
 * call without undici's Agent, which is half a mebibyte of bundle.
 *
 * @param options.maxSockets Connections open at once to one host. @default 128
 */
export function createRegistryFetch(options: { readonly maxSockets?: number } = {}): RegistryFetch {
  const shared = { keepAlive: true, maxSockets: options.maxSockets ?? 128, timeout: IDLE_SOCKET_MS };
  const agents = new Map<string, HttpAgent>();

  function agentFor(secure: boolean, { reach, ca }: RegistryRequest): HttpAgent {
    const key = JSON.stringify([secure, reach, ca]);
    const known = agents.get(key);
    if (known !== undefined) return known;
    const agent = secure
      ? new HttpsAgent({ ...shared, minVersion: "TLSv1.2", ...trusting(ca) })
      : new HttpAgent(shared);
    agents.set(key, agent);
    return agent;
  }

  return async (address, request) => {
    const url = new URL(address);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const target = request.connect?.host ?? host;
    if (isIP(target) !== 0 && !mayReach(target, request.reach))
      throw new Error(`${target} is not an address that this connection may lead to`);
    const secure = url.protocol === "https:";
    return await new Promise<Response>((resolve, reject) => {
      const sent = (secure ? httpsRequest : httpRequest)(
        {
          method: request.method,
          host: target,
          port: request.connect?.port ?? (url.port || (secure ? 443 : 80)),
          path: `${url.pathname}${url.search}`,
          headers: { ...request.headers, host: url.host },
          agent: agentFor(secure, request),
          lookup: guardedLookup(request.reach),
          signal: request.signal,
          ...(secure && isIP(host) === 0 ? { servername: host } : {}),
        },
        (incoming) => {
          try {
            resolve(answer(incoming, request.method));
          } catch (error) {
            incoming.destroy();
            reject(error);
          }
        },
      );
      sent.on("error", reject);
      sent.end(request.body);
    });
  };
}

function trusting(ca: string | undefined): object {
  if (ca === undefined) return {};
  return {
    secureContext: createSecureContext({ minVersion: "TLSv1.2", ca: [...getCACertificates("default"), ca] }),
  };
}

function answer(incoming: IncomingMessage, method: string): Response {
  const status = incoming.statusCode ?? 0;
  const headers = new Headers();
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2)
    headers.append(incoming.rawHeaders[at] ?? "", incoming.rawHeaders[at + 1] ?? "");
  const empty = method === "HEAD" || status === 204 || status === 205 || status === 304;
  if (empty) incoming.resume();
  const body = empty ? null : (Readable.toWeb(incoming) as unknown as ReadableStream<Uint8Array>);
  return new Response(body, { status, headers });
}
