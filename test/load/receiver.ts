/** A receiver of CloudEvents whose mood a test sets. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How it treats requests: `down` breaks the connection, `refusing` answers 400, `limiting` 429. */
export type Mood = "well" | "slow" | "down" | "refusing" | "limiting";

export interface Receiver {
  readonly url: string;
  mood: Mood;
  /** How often it has taken each event, by source and id. */
  readonly taken: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** How long an answer takes while it is slow, in milliseconds. */
const slowMs = 150;
const statuses = { well: 202, slow: 202, refusing: 400, limiting: 429 } as const;

/** Opens it on loopback, in the best of moods. */
export async function openReceiver(): Promise<Receiver> {
  const taken = new Map<string, number>();
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { mood } = receiver;
    if (mood === "down") return void incoming.socket.destroy();
    if (mood === "slow") await sleep(slowMs);
    if (statuses[mood] === 202)
      for (const event of JSON.parse(Buffer.concat(chunks).toString("utf8")) as Named[]) {
        const name = nameOf(event);
        taken.set(name, (taken.get(name) ?? 0) + 1);
      }
    outgoing.writeHead(statuses[mood]).end();
  }
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    mood: "well",
    taken,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

interface Named {
  source: string;
  id: string;
}

/** What tells events apart, by the specification of CloudEvents. */
export function nameOf({ source, id }: Named): string {
  return `${source} ${id}`;
}
