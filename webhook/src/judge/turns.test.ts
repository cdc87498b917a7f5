import { createServer, request, type ClientRequest, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { inTurns, type TurnOptions } from "./turns.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that names each request it lets in and answers when it is told to. */
async function listening(options: TurnOptions) {
  const inside: string[] = [];
  const answers = new Map<string, () => void>();
  const handle = inTurns((incoming, outgoing) => {
    const name = incoming.url ?? "";
    inside.push(name);
    incoming.resume();
    answers.set(name, () => outgoing.end());
  }, options);
  server = createServer(handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  /** Resolves when the server has it. */
  const send = async (path: string, bytes: number): Promise<ClientRequest> => {
    const arrived = once(server as Server, "request");
    const sent = request({ port, path, method: "POST", agent: false, headers: { "content-length": bytes } });
    sent.on("error", () => {});
    sent.end(Buffer.alloc(bytes));
    await arrived;
    return sent;
  };
  const answer = async (path: string, sent: ClientRequest): Promise<void> => {
    const response = once(sent, "response");
    answers.get(path)?.();
    await response;
  };
  return { inside, send, answer };
}

async function connections(): Promise<number | undefined> {
  return await new Promise((resolve) => server?.getConnections((_error, count) => resolve(count)));
}

test("large bodies wait for their turn, in order; small ones pass by", async () => {
  const { inside, send, answer } = await listening({ small: 10, most: 100 });
  const first = await send("/60", 60);
  const second = await send("/50", 50);
  await send("/40", 40);
  await send("/10", 10);
  expect(inside).toEqual(["/60", "/10"]);
  await answer("/60", first);
  await expect.poll(() => inside).toEqual(["/60", "/10", "/50", "/40"]);
  await answer("/50", second);
});

test("one larger than all that may be held waits until nothing is, and is let in", async () => {
  const { inside, send, answer } = await listening({ small: 10, most: 100 });
  const first = await send("/20", 20);
  await send("/900", 900);
  expect(inside).toEqual(["/20"]);
  await answer("/20", first);
  await expect.poll(() => inside).toEqual(["/20", "/900"]);
});

test("who gives up while it waits takes no turn", async () => {
  const { inside, send, answer } = await listening({ small: 10, most: 100 });
  const first = await send("/100", 100);
  const impatient = await send("/99", 99);
  await send("/98", 98);
  impatient.destroy();
  await expect.poll(connections).toBe(2);
  await answer("/100", first);
  await expect.poll(() => inside).toEqual(["/100", "/98"]);
});
