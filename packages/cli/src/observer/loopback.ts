/** A server on loopback that shows the observer's dashboard to one browser. */
import { randomBytes, timingSafeEqual, createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { oneLine } from "@gatehouse/policy";
import type { ObserverConnection } from "./connection.ts";

/** A server that listens. */
export interface Loopback {
  /** To be opened once, by whoever started it: it holds the secret that lets them in. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Headers of the observer that browsers get; all others concern the connection, or nobody. */
const passedOn = [
  "content-type",
  "content-disposition",
  "cache-control",
  "content-security-policy",
  "cross-origin-opener-policy",
  "cross-origin-resource-policy",
  "location",
  "permissions-policy",
  "referrer-policy",
  "x-content-type-options",
  "x-frame-options",
] as const;
const pageMs = 30_000;

/**
 * Starts it on a free port of 127.0.0.1. The address that is given works once and sets a cookie; any request without
 * that cookie, or by another name than the loopback's, is refused. Requests are read-only: GET alone, and only of the
 * dashboard.
 */
export async function serveLoopback(
  connection: ObserverConnection,
  options: { port?: number; note: (line: string) => void },
): Promise<Loopback> {
  const secret = randomBytes(32).toString("base64url");
  const session = randomBytes(32).toString("base64url");
  const stopping = new AbortController();
  let opened = false;
  let port = 0;

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      if (!stopping.signal.aborted) options.note(`a page could not be shown: ${oneLine(why, 500)}`);
      if (outgoing.headersSent) outgoing.destroy();
      else refuse(outgoing, 502, `The observer could not be asked: ${oneLine(why, 500)}`);
    });
  });

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { host } = incoming.headers;
    // Another name that leads here would let a foreign page in as if it were ours.
    if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`)
      return refuse(outgoing, 403, "This address is not known here.");
    if (incoming.method !== "GET") return refuse(outgoing, 405, "Only reading is possible here.");
    const address = new URL(incoming.url ?? "/", `http://${host}`);
    const cookie = `gatehouse-${port}`;
    if (address.pathname.startsWith("/open/")) {
      if (opened || !same(address.pathname.slice("/open/".length), secret))
        return refuse(outgoing, 403, "This address has been used. Run gatehouse dashboard again.");
      opened = true;
      outgoing.writeHead(302, {
        location: "/ui/now",
        "set-cookie": `${cookie}=${session}; Path=/; HttpOnly; SameSite=Strict`,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
      });
      outgoing.end();
      return;
    }
    const given = cookiesOf(incoming).get(cookie);
    if (given === undefined || !same(given, session))
      return refuse(outgoing, 403, "Open the address that gatehouse dashboard has printed.");
    if (address.pathname === "/") {
      outgoing.writeHead(302, { location: "/ui/now" });
      outgoing.end();
      return;
    }
    if (!/^\/ui\/[a-z.]+$/.test(address.pathname)) return refuse(outgoing, 404, "There is nothing here.");
    await pass(address, outgoing);
  }

  async function pass(address: URL, outgoing: ServerResponse): Promise<void> {
    const query = Object.fromEntries(address.searchParams);
    const gone = new AbortController();
    outgoing.once("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, stopping.signal]);
    if (address.pathname === "/ui/live") {
      const response = await connection.stream(address.pathname, { query, signal });
      outgoing.writeHead(200, headersOf(response.headers));
      outgoing.flushHeaders();
      const body = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body as never);
      body.on("error", () => outgoing.destroy());
      body.pipe(outgoing);
      return;
    }
    const { status, headers, text } = await connection.get(address.pathname, {
      query,
      signal,
      timeoutMs: pageMs,
    });
    outgoing.writeHead(status, headersOf(headers));
    outgoing.end(text);
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const bound = server.address();
  port = typeof bound === "object" && bound !== null ? bound.port : 0;
  return {
    url: `http://127.0.0.1:${port}/open/${secret}`,
    port,
    async close() {
      stopping.abort();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function refuse(outgoing: ServerResponse, status: number, message: string): void {
  outgoing.writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  outgoing.end(`${message}\n`);
}

function headersOf(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value] as const];
    }),
  );
}

function cookiesOf({ headers }: IncomingMessage): Map<string, string> {
  const pairs = (headers.cookie ?? "").split(";").map((pair) => pair.trim().split("=", 2));
  return new Map(pairs.map(([name = "", value = ""]) => [name, value]));
}

function same(a: string, b: string): boolean {
  const of = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(of(a), of(b));
}
