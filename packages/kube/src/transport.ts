import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";

/** What the TLS connection needs; all PEM. */
export interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
  readonly insecureSkipVerify?: boolean | undefined;
}

/** One request as the client hands it to a {@link KubeFetch}. */
export interface KubeRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
  readonly tls: TlsMaterial;
}

/** Like the global `fetch`, but with the TLS material in each call; redirects are never followed. */
export type KubeFetch = (url: string, request: KubeRequest) => Promise<Response>;

/** Sockets without a request are closed after this time, sooner than the API server does it (90 s). */
const IDLE_SOCKET_MS = 60_000;

/** Agents of TLS material no longer used are kept this many deep: connections in use must outlive a rotation. */
const KEPT_AGENTS = 4;

function answer(incoming: IncomingMessage): Response {
  const status = incoming.statusCode ?? 0;
  const headers = new Headers();
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] ?? "", incoming.rawHeaders[at + 1] ?? "");
  }
  const bodiless = status === 204 || status === 205 || status === 304;
  if (bodiless) incoming.resume();
  const body = bodiless ? null : (Readable.toWeb(incoming) as unknown as ReadableStream<Uint8Array>);
  return new Response(body, { status, headers });
}

/**
 * A transport over node:http and node:https with kept-alive HTTP/1.1 connections. Node's global fetch takes neither
 * a certificate authority nor a client certificate per call without undici's own Agent, which is half a mebibyte
 * of bundle. The API server is asked directly: of environment proxies those are honoured that it is handed, for https.
 *
 * @param options.maxSockets Connections open at once, watches included. @default 128
 * @param options.proxyEnv Holds `HTTPS_PROXY` and `NO_PROXY`. @default no proxy
 */
export function createTransport(
  options: {
    readonly maxSockets?: number;
    readonly proxyEnv?: Readonly<Record<string, string | undefined>> | undefined;
  } = {},
): KubeFetch {
  const shared = { keepAlive: true, maxSockets: options.maxSockets ?? 128, timeout: IDLE_SOCKET_MS };
  const plain = new HttpAgent(shared);
  const agents = new Map<string, HttpsAgent>();

  function agentFor(tls: TlsMaterial): HttpsAgent {
    const key = JSON.stringify([tls.ca, tls.certificate, tls.key, tls.serverName, tls.insecureSkipVerify]);
    const known = agents.get(key);
    if (known) return known;
    const agent = new HttpsAgent({
      ...shared,
      minVersion: "TLSv1.2",
      rejectUnauthorized: tls.insecureSkipVerify !== true,
      ...(options.proxyEnv === undefined ? {} : { proxyEnv: options.proxyEnv }),
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
      ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    });
    agents.set(key, agent);
    const oldest = agents.keys().next().value;
    if (agents.size > KEPT_AGENTS && oldest !== undefined) agents.delete(oldest);
    return agent;
  }

  return (address, wanted) =>
    new Promise((resolve, reject) => {
      const url = new URL(address);
      const headers = Object.fromEntries(
        Object.entries(wanted.headers).map(([name, value]) => [
          name,
          typeof value === "string" ? value : [...value],
        ]),
      );
      if (wanted.body !== undefined) headers["content-length"] = String(Buffer.byteLength(wanted.body));
      const common = { method: wanted.method, headers, signal: wanted.signal };
      const receive = (incoming: IncomingMessage): void => {
        try {
          resolve(answer(incoming));
        } catch (error) {
          incoming.destroy();
          reject(error);
        }
      };
      const sent =
        url.protocol === "https:"
          ? httpsRequest(url, { ...common, agent: agentFor(wanted.tls) }, receive)
          : httpRequest(url, { ...common, agent: plain }, receive);
      sent.on("error", reject);
      sent.end(wanted.body);
    });
}
