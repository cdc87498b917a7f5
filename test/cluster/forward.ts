/**
 * Carries TCP connections between the machine and a cluster's network namespace: one end listens, the other dials, and
 * a Unix socket, which no network namespace confines, lies between.
 *
 * @module
 */
import { once } from "node:events";
import { createServer, connect, type NetConnectOpts, type Socket, type AddressInfo } from "node:net";

/** A listener that can be closed together with its connections. */
export interface Forwarder {
  /** The TCP port that it listens on; 0 for a Unix socket. */
  readonly port: number;
  /** Stops listening and breaks all connections. */
  close(): Promise<void>;
  /** Stops listening; connections that are open go on. */
  drain(): void;
}

/** Where a forwarder listens: a TCP address (port 0 for any free one) or the path of a Unix socket. */
export type Listen = { readonly host: string; readonly port: number } | { readonly path: string };

/** Listens on `listen` and joins each connection to a new one that `dial` names. An undefined target is reset. */
export async function forward(listen: Listen, dial: () => NetConnectOpts | undefined): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    sockets.add(client);
    client.once("close", () => sockets.delete(client));
    client.on("error", () => undefined);
    const target = dial();
    const reset = () => ("path" in listen ? client.destroy() : client.resetAndDestroy());
    if (target === undefined) reset();
    else join(client, connect({ ...target, allowHalfOpen: true, noDelay: true }), reset);
  });
  server.listen(listen);
  await once(server, "listening");
  const address = server.address() as AddressInfo | string;
  const closed = once(server, "close");
  return {
    port: typeof address === "string" ? 0 : address.port,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    drain: () => void server.close(),
  };
}

/** Joins two sockets: bytes and ends pass both ways; when `upstream` breaks, `reset` tells the client so. */
function join(client: Socket, upstream: Socket, reset: () => void): void {
  client.pipe(upstream).pipe(client);
  client.once("error", () => upstream.destroy());
  upstream.once("error", reset);
  client.once("close", () => upstream.destroy());
  upstream.once("close", () => client.destroy());
}
