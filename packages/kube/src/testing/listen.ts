import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { Readable } from "node:stream";
import type { KubeConfig } from "../config.ts";
import type { FakeApi } from "./fake-api.ts";

/** A fake that listens on loopback. */
export interface ListeningApi {
  readonly url: string;
  /** Config of the administrator. */
  readonly config: KubeConfig;
  /** Breaks every connection and stops; at the end of a test or as a server that dies. */
  close(): Promise<void>;
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * Serves a fake over HTTP on loopback, or over HTTPS when given a certificate (PEM).
 *
 * @param options.port 0 or absent for any free one
 * @param options.requestCert Ask the client for a certificate of this authority and refuse others
 */
export async function listen(
  api: FakeApi,
  options: {
    readonly port?: number;
    readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  } = {},
): Promise<ListeningApi> {
  const { tls } = options;
  const server = tls
    ? createTlsServer({
        cert: tls.cert,
        key: tls.key,
        ...(tls.clientCa === undefined
          ? {}
          : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
      })
    : createServer();
  server.on("request", (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.on("close", () => gone.abort());
    const serve = async (): Promise<void> => {
      const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [
        name,
        String(value),
      ]);
      const method = incoming.method ?? "GET";
      const text = await bodyOf(incoming);
      const body = method === "GET" || text === "" ? {} : { body: text };
      const response = await api.handle(
        new Request(new URL(incoming.url ?? "/", "http://fake.invalid"), { method, headers, ...body }),
      );
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.flushHeaders();
      if (!response.body) {
        outgoing.end();
        return;
      }
      const stream = Readable.fromWeb(response.body, {
        signal: gone.signal,
      });
      stream.on("error", () => outgoing.destroy());
      stream.pipe(outgoing);
    };
    serve().catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  const url = `${tls ? "https" : "http"}://127.0.0.1:${address.port}`;
  return {
    url,
    config: { ...api.config, server: url },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
