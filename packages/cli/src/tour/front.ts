import { connect, createServer, type Socket } from "node:net";

/** One port in front of judges that come and go: connections are passed on as they are, TLS and all. */
export interface Front {
  port: number;
  /** New connections go to this port from now on; those that are open stay where they are. */
  pointTo(port: number): void;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1. */
export async function openFront(target: number): Promise<Front> {
  let current = target;
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(current, "127.0.0.1");
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(socket);
      socket.once("close", () => {
        open.delete(socket);
        other.destroy();
      });
      // Its close follows.
      socket.on("error", () => {});
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    pointTo(port) {
      current = port;
    },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      });
    },
  };
}
