/** The sink against a receiver on loopback that is slow, down, refuses and comes back. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gateConfigSchema } from "@gatehouse/policy";
import { afterEach, expect, test } from "vitest";
import { createEventSink, type DropReason, type EventSinkOptions } from "./event-sink.ts";
import { createSend } from "./send-events.ts";

type Mood = "well" | "slow" | "down" | "refusing" | "limiting" | "redirecting";

interface Receiver {
  url: string;
  mood: Mood;
  /** Ids, in the order in which they were taken. */
  taken: number[];
  requests: { type: string | undefined; authorization: string | undefined; events: number }[];
  close(): Promise<void>;
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

async function receiver(poison: (id: number) => boolean = () => false): Promise<Receiver> {
  const server: Server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  const it: Receiver = {
    url: "",
    mood: "well",
    taken: [],
    requests: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    if (it.mood === "down") {
      incoming.socket.destroy();
      return;
    }
    if (it.mood === "slow") await sleep(30);
    const value = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { id: number } | { id: number }[];
    const ids = [value].flat().map(({ id }) => id);
    const { "content-type": type, authorization } = incoming.headers;
    it.requests.push({ type, authorization, events: ids.length });
    const status =
      it.mood === "refusing" || ids.some(poison)
        ? 400
        : it.mood === "limiting"
          ? 429
          : it.mood === "redirecting"
            ? 302
            : 202;
    if (status === 202) it.taken.push(...ids);
    outgoing.writeHead(status, status === 302 ? { location: "http://127.0.0.1:1/" } : {}).end();
  }
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  it.url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/events`;
  open.push(() => it.close());
  return it;
}

function sinkTo(url: string, change: Partial<EventSinkOptions> = {}, headersFile?: string) {
  const counts = { sent: 0, full: 0, refused: 0, stopped: 0 };
  const logs: string[] = [];
  const sink = createEventSink({
    format: "batched",
    send: createSend({ url, ...(headersFile === undefined ? {} : { headersFile }) }, { now: Date.now }),
    sent: (events) => (counts.sent += events),
    dropped: (events, reason: DropReason) => (counts[reason] += events),
    log: (level, message, fields) => void logs.push(`${level} ${message} ${String(fields?.["why"])}`),
    pausesMs: { first: 5, longest: 40 },
    ...change,
  });
  open.push(() => sink.close(0));
  return { sink, counts, logs };
}

const event = (id: number) => JSON.stringify({ id, pad: "x".repeat(400) });

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("what was waited for did not come");
    await sleep(5);
  }
}

const total = process.env["GATEHOUSE_SOAK"] === "1" ? 100_000 : 10_000;

test.each(["batched", "structured"] as const)(
  `${total} events, %s, to a receiver slow, down, refusing and back: what it missed is what was counted`,
  async (format) => {
    const it = await receiver();
    const maxEvents = 1_000;
    const { sink, counts } = sinkTo(it.url, { format, maxEvents });
    const moods: readonly Mood[] = ["well", "slow", "down", "limiting", "refusing", "redirecting", "well"];
    const step = Math.ceil(total / (moods.length * 10));
    let pushed = 0;
    let most = 0;
    let longest = 0;
    while (pushed < total) {
      it.mood = moods[Math.floor(pushed / (step * 10))] ?? "well";
      for (let at = 0; at < step && pushed < total; at++) sink.push(event(pushed++));
      most = Math.max(most, sink.waiting);
      longest = Math.max(longest, sink.length);
      await sleep(10);
    }
    it.mood = "well";
    await until(() => sink.waiting === 0);
    await sink.close(1_000);
    expect(most).toBeLessThanOrEqual(maxEvents);
    expect(longest).toBeLessThanOrEqual(maxEvents * event(total).length);
    const missed = total - new Set(it.taken).size;
    expect(counts.sent).toBe(it.taken.length);
    expect(counts.full + counts.refused + counts.stopped).toBe(missed);
    // The test is about something only if there was something to miss, and something that was not.
    expect(missed).toBeGreaterThan(0);
    expect(counts.sent).toBeGreaterThan(0);
  },
  300_000,
);

test("one event that is not taken keeps no other away", async () => {
  const it = await receiver((id) => id === 37);
  const { sink, counts, logs } = sinkTo(it.url);
  for (let id = 0; id < 100; id++) sink.push(event(id));
  await until(() => counts.sent + counts.refused === 100);
  expect(counts).toEqual({ sent: 99, full: 0, refused: 1, stopped: 0 });
  expect(it.taken.toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, id) => id).filter((id) => id !== 37),
  );
  expect(
    logs.every(
      (line) =>
        line === "warn the event sink does not take events the receiver refuses events with status 400",
    ),
  ).toBe(true);
});

test("a receiver that is away is tried again until it is back, and nothing that had room is lost", async () => {
  const it = await receiver();
  it.mood = "down";
  const { sink, counts } = sinkTo(it.url);
  for (let id = 0; id < 250; id++) sink.push(event(id));
  await until(() => sink.problem !== undefined);
  expect(sink.waiting).toBe(250);
  it.mood = "well";
  await until(() => sink.waiting === 0);
  expect(sink.problem).toBeUndefined();
  expect(it.taken).toEqual(Array.from({ length: 250 }, (_, id) => id));
  expect(counts).toEqual({ sent: 250, full: 0, refused: 0, stopped: 0 });
});

test("full, by number or by characters, it drops the oldest and counts them", async () => {
  const it = await receiver();
  it.mood = "down";
  const byNumber = sinkTo(it.url, { maxEvents: 10 });
  for (let id = 0; id < 25; id++) byNumber.sink.push(event(id));
  expect([byNumber.sink.waiting, byNumber.counts.full]).toEqual([10, 15]);
  const byLength = sinkTo(it.url, { maxLength: 5 * event(1).length });
  for (let id = 0; id < 9; id++) byLength.sink.push(event(id));
  expect([byLength.sink.waiting, byLength.counts.full]).toEqual([5, 4]);
});

test("closed, it sends what it can in the time it has, and counts the rest", async () => {
  const well = await receiver();
  const first = sinkTo(well.url);
  for (let id = 0; id < 150; id++) first.sink.push(event(id));
  await first.sink.close(5_000);
  expect([well.taken.length, first.counts]).toEqual([150, { sent: 150, full: 0, refused: 0, stopped: 0 }]);
  first.sink.push(event(1));
  expect(first.counts.stopped).toBe(1);
  const down = await receiver();
  down.mood = "down";
  const second = sinkTo(down.url);
  for (let id = 0; id < 30; id++) second.sink.push(event(id));
  await second.sink.close(50);
  expect(second.counts).toEqual({ sent: 0, full: 0, refused: 0, stopped: 30 });
});

test("requests are CloudEvents with the headers of the file, which is read again when they are refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sink-"));
  open.push(() => rm(folder, { recursive: true }));
  const file = join(folder, "headers.json");
  await writeFile(file, JSON.stringify({ Authorization: "Bearer one" }));
  const it = await receiver();
  const batched = sinkTo(it.url, {}, file);
  batched.sink.push(event(1));
  await until(() => batched.counts.sent === 1);
  const structured = sinkTo(it.url, { format: "structured" }, file);
  structured.sink.push(event(2));
  await until(() => structured.counts.sent === 1);
  expect(it.requests).toEqual([
    { type: "application/cloudevents-batch+json; charset=utf-8", authorization: "Bearer one", events: 1 },
    { type: "application/cloudevents+json; charset=utf-8", authorization: "Bearer one", events: 1 },
  ]);
});

test.each([
  ["{ secret", "the file of the sink's headers cannot be read: not JSON"],
  ["[]", "the file of the sink's headers: expected a JSON object of names and values"],
  ['{"a b":"c"}', 'the file of the sink\'s headers: "a b" is no header that can be sent'],
  [
    '{"Content-Type":"text/plain"}',
    'the file of the sink\'s headers: "Content-Type" is no header that can be sent',
  ],
])("a file of headers with %s sends nothing, and its content is not told", async (content, why) => {
  const folder = await mkdtemp(join(tmpdir(), "sink-"));
  open.push(() => rm(folder, { recursive: true }));
  const file = join(folder, "headers.json");
  await writeFile(file, content);
  const it = await receiver();
  const { sink } = sinkTo(it.url, {}, file);
  sink.push(event(1));
  await until(() => sink.problem !== undefined);
  expect([sink.problem, it.requests]).toEqual([why, []]);
});

test.each([
  ["https://example.com/events?key=1", true],
  ["http://broker.knative-eventing.svc/ns/default", true],
  ["http://broker.knative-eventing.svc.cluster.local", true],
  ["http://127.0.0.1:8080/", true],
  ["http://example.com/events", false],
  ["http://svc.example.com", false],
  ["https://user:password@example.com", false],
  ["ftp://example.com", false],
  ["events", false],
])("the sink's URL %s: %s", (url, good) => {
  const { success } = gateConfigSchema.shape.eventSink.safeParse({ url });
  expect(success).toBe(good);
});
