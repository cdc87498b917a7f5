import { createServer, type Server } from "node:https";
import { getRequestListener } from "@hono/node-server";
import type { Listener } from "./admission-listener.ts";
import type { CertificatePair } from "../tls/certificate.ts";
import { inTurns } from "./turns.ts";

/** Where to listen. */
export interface Listen {
  host: string;
  /** 0 for any that is free. */
  port: number;
}

/** A server that listens. */
export interface JudgeServer {
  /** `https://127.0.0.1:8443`. */
  url: string;
  port: number;
  /** Shows this certificate to new connections. */
  show(leaf: CertificatePair): void;
  /**
   * From now on each answer ends its connection and says so, so that clients leave of their own accord. One that is
   * merely closed may just be about to carry a request, which is then lost: an API server sends a webhook's call once.
   */
  retire(): void;
  /** Takes no new connection, lets requests under way finish for at most `graceMs`, then closes what is left. */
  close(graceMs: number): Promise<void>;
}

/** The API server keeps idle connections for 90 s (Go's `http.Transport`); it must be the one that closes them. */
const keepAliveMs = 120_000;
/**
 * Time for a request's head, and for the whole of a request; slower ones are cut off. Both run from a request's first
 * byte, so that they say nothing about an idle connection.
 */
const headersMs = 10_000;
const requestMs = 35_000;
const usualConnections = 4_096;

/** Starts a TLS server for a fetch handler. */
export async function startServer(options: {
  fetch: (request: Request) => Response | Promise<Response>;
  /** Is asked first, and leaves to `fetch` what it does not answer. */
  first?: Listener;
  host: string;
  port: number;
  leaf: CertificatePair;
  /** @default 4096 */
  mostConnections?: number;
}): Promise<JudgeServer> {
  const listener = getRequestListener(options.fetch);
  let retiring = false;
  const server = createServer(
    {
      cert: options.leaf.certificate,
      key: options.leaf.key,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
      keepAliveTimeout: keepAliveMs,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16 * 1024,
      handshakeTimeout: 10_000,
    },
    inTurns((incoming, outgoing) => {
      if (retiring) outgoing.shouldKeepAlive = false;
      if (options.first?.(incoming, outgoing) === true) return;
      // It answers failures of its own by itself and never rejects.
      void listener(incoming, outgoing);
    }),
  );
  server.maxConnections = options.mostConnections ?? usualConnections;
  // Whoever breaks the protocol of TLS or HTTP gets its socket closed; that is no event worth a line.
  server.on("tlsClientError", () => {});
  await listenOn(server, options);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `https://${host}:${port}`,
    port,
    show: (leaf) => server.setSecureContext({ cert: leaf.certificate, key: leaf.key, minVersion: "TLSv1.2" }),
    retire: () => {
      retiring = true;
    },
    close: (graceMs) => closeServer(server, graceMs),
  };
}

/**
 * Listens. Every address of IPv6 is also every address of IPv4, but where the kernel has no IPv6 there is no such
 * address: then it is that of IPv4. Any other address that cannot be had is an error.
 */
export async function listenOn(
  server: Pick<Server, "listen" | "once" | "off">,
  { host, port }: { host: string; port: number },
): Promise<void> {
  const attempt = (at: string) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, at, () => {
        server.off("error", reject);
        resolve();
      });
    });
  try {
    await attempt(host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (host !== "::" || (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL")) throw error;
    await attempt("0.0.0.0");
  }
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), graceMs);
    // Idle connections are closed now, the others once their request is answered.
    const idle = setInterval(() => server.closeIdleConnections(), 100);
    server.close(() => {
      clearTimeout(force);
      clearInterval(idle);
      resolve();
    });
    server.closeIdleConnections();
  });
}
