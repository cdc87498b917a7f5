import { closeSync, constants, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import { applyMode, decide, type EventInput, type Subject } from "@gatehouse/policy";
import { policy } from "../testing/fixtures.ts";
import { createEventPipeline } from "./events.ts";
import { createLineWriter } from "./line-writer.ts";
import { createObserverSink } from "./observer-sink.ts";

const input = (uid: string): EventInput => ({
  instance: "judge-0",
  cluster: { name: "test" },
  request: { uid, operation: "CREATE", user: "alice", groups: [] },
  subject: { namespace: { name: "shop" }, object: { kind: "Pod", name: "web", labels: {} }, pod: "web" },
  workload: { resolved: true, kind: "Pod", name: "web" },
  verdict: { refusal: { code: "GH1022", problems: [] }, mode: "deny", action: "deny" },
  policyHash: "f".repeat(64),
  at: 0,
  durationMs: 1,
});

/** Of what can be judged again. */
function judgedInput(uid: string): EventInput {
  const judged: Subject = {
    ...input(uid).subject,
    cluster: { name: "test" },
    workload: { resolved: true, kind: "Pod", name: "web" },
    images: [],
  };
  const ruling = applyMode(decide(policy, judged, new Map(), 0), "deny");
  return { ...input(uid), judged, verdict: { ruling, scans: new Map() } };
}

describe("the pipeline", () => {
  it("counts by key, counts doubles once, and resolves when lines are safe", async () => {
    const lines: { id: string; data: { key: string; count: number } }[] = [];
    const safe = Promise.withResolvers<undefined>();
    const pipeline = createEventPipeline({
      sinks: [(event) => void lines.push(JSON.parse(event) as (typeof lines)[0])],
      settled: () => safe.promise,
      dropped: () => {},
    });
    const told: string[] = [];
    const pushed = ["a", "b", "a", "c"].map(async (uid) => {
      await pipeline.push(input(uid));
      told.push(uid);
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
    safe.resolve(undefined);
    await Promise.all(pushed);
    expect(told).toEqual(["a", "b", "a", "c"]);
    expect(lines.map(({ id, data }) => [id, data.count])).toEqual([
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ]);
    expect(new Set(lines.map(({ data }) => data.key)).size).toBe(1);
  });

  it("builds reviews after the answer, and tells of those that it drops", async () => {
    const lines: string[] = [];
    const reviews: string[] = [];
    let dropped = 0;
    const pipeline = createEventPipeline({
      sinks: [(event) => void lines.push(event)],
      settled: () => Promise.resolve(),
      reviews: (event) => void reviews.push(event),
      dropped: () => dropped++,
    });
    await Promise.all(Array.from({ length: 6000 }, (_, index) => pipeline.push(judgedInput(`${index}`))));
    expect([lines.length, reviews.length, dropped]).toEqual([6000, 0, 1000]);
    pipeline.flush();
    expect([lines.length, reviews.length, dropped]).toEqual([6000, 5000, 1000]);
  });
});

describe("the line writer", () => {
  it("is settled once what was written is in the pipe, and for a reader that has stopped it does not wait", async () => {
    const folder = await mkdtemp(join(tmpdir(), "lines-"));
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    const fd = openSync(path, "r+");
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = createLineWriter(fd, { limit: 1 << 20, written: () => {}, dropped: () => {} });
    await writer.settled();
    writer.write("one\n");
    writer.write("two\n");
    await writer.settled();
    const bytes = Buffer.alloc(1 << 20);
    expect(bytes.toString("utf8", 0, readSync(reader, bytes))).toBe("one\ntwo\n");

    // More than a pipe holds, and nobody reads.
    for (let at = 0; at < 300; at++) writer.write(`${"x".repeat(999)}\n`);
    await writer.settled();
    writer.write("late\n");
    await writer.settled();
    let rest = "";
    const reading = setInterval(() => {
      try {
        rest += bytes.toString("utf8", 0, readSync(reader, bytes));
      } catch {
        // Nothing there yet.
      }
    }, 1);
    await writer.flush();
    await vi.waitFor(() => expect(rest.endsWith("late\n")).toBe(true));
    clearInterval(reading);
    expect(rest.length).toBe(300_005);
    writer.write("again\n");
    await writer.settled();
    expect(bytes.toString("utf8", 0, readSync(reader, bytes))).toBe("again\n");
    closeSync(reader);
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  it("writes every line whole and in order", async () => {
    const folder = await mkdtemp(join(tmpdir(), "lines-"));
    const file = join(folder, "out");
    const fd = openSync(file, "w");
    let written = 0;
    const writer = createLineWriter(fd, {
      limit: 1 << 24,
      written: (lines) => (written += lines),
      dropped: () => {},
    });
    const lines = Array.from({ length: 5000 }, (_, index) => `${index} ${"ä".repeat(index % 100)}\n`);
    for (const line of lines) expect(writer.write(line)).toBe(true);
    await writer.flush();
    closeSync(fd);
    expect([readFileSync(file, "utf8") === lines.join(""), written]).toEqual([true, 5000]);
    rmSync(folder, { recursive: true });
  });

  it("drops and counts what a reader that has stopped leaves no room for, and goes on when it reads again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "lines-"));
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    // Open for reading and writing, so that neither end waits for the other.
    const fd = openSync(path, "r+");
    let dropped = 0;
    let written = 0;
    const writer = createLineWriter(fd, {
      limit: 300_000,
      written: (lines) => (written += lines),
      dropped: (lines) => (dropped += lines),
    });
    const line = `${"x".repeat(999)}\n`;
    const taken = Array.from({ length: 1000 }, () => writer.write(line)).filter(Boolean).length;
    expect([taken, dropped]).toEqual([300, 700]);
    const reader = new Socket({ fd: openSync(path, "r"), writable: false });
    let read = 0;
    reader.on("data", (chunk: Buffer) => (read += chunk.length));
    await writer.flush();
    expect(written).toBe(300);
    await vi.waitFor(() => expect(read).toBe(300_000));
    reader.destroy();
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  it("counts lines that cannot be written", async () => {
    const fd = openSync("/dev/null", "r");
    let dropped = 0;
    const writer = createLineWriter(fd, {
      limit: 1000,
      written: () => {},
      dropped: (lines) => (dropped += lines),
    });
    writer.write("a\n");
    writer.write("b\n");
    await writer.flush();
    closeSync(fd);
    expect(dropped).toBe(2);
  });
});

describe("the observer's sink", () => {
  /** An observer that holds what it was sent; another `name` is another process, which knows nothing. */
  function observed(name: string) {
    return {
      name,
      batches: [] as string[][],
      away: false,
      /** Refuses any batch with one of these. */
      refuses: [] as string[],
      get texts() {
        return this.batches.flat();
      },
    };
  }

  function sinkOver(first: ReturnType<typeof observed>) {
    const counts = { sent: 0, dropped: 0 };
    const stage = { observer: first };
    const logged: string[] = [];
    const sink = createObserverSink({
      post(body) {
        const { observer } = stage;
        const batch = JSON.parse(body) as string[];
        if (observer.away) return Promise.reject(new Error("away"));
        if (batch.some((event) => observer.refuses.includes(event)))
          return Promise.resolve({ taken: false as const, why: "status 400" });
        observer.batches.push(batch);
        return Promise.resolve({ taken: true as const, observer: observer.name });
      },
      sent: (events, reviews) => (counts.sent += events + reviews),
      dropped: (events, reviews) => (counts.dropped += events + reviews),
      log: (_, message) => logged.push(message),
    });
    return { ...sink, counts, stage, logged };
  }

  const quoted = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => String(from + index));
  const pushAll = (sink: (event: string) => void, events: readonly string[]) => {
    for (const event of events) sink(JSON.stringify(event));
  };

  it("sends batches in order", async () => {
    const observer = observed("a");
    const { sink, close, counts } = sinkOver(observer);
    pushAll(sink, quoted(0, 250));
    await close();
    expect(observer.batches.map((batch) => batch.length)).toEqual([100, 100, 50]);
    expect(observer.texts).toEqual(quoted(0, 250));
    expect(counts).toEqual({ sent: 250, dropped: 0 });
  });

  it("keeps the newest while the observer is away, and counts what is lost", async () => {
    const observer = observed("a");
    observer.away = true;
    const { sink, close, counts } = sinkOver(observer);
    pushAll(sink, quoted(0, 25_000));
    expect(counts).toEqual({ sent: 0, dropped: 5_000 });
    observer.away = false;
    await close();
    expect(observer.texts).toEqual(quoted(5_000, 25_000));
    expect(counts).toEqual({ sent: 20_000, dropped: 5_000 });
  });

  it("gives up what is still not taken when it is closed", async () => {
    const observer = observed("a");
    observer.away = true;
    const { sink, close, counts } = sinkOver(observer);
    pushAll(sink, quoted(0, 10));
    await close();
    expect(counts).toEqual({ sent: 0, dropped: 10 });
  });

  it("one event that is refused keeps no other away", async () => {
    const observer = observed("a");
    observer.refuses = ["7"];
    const { sink, close, counts, logged } = sinkOver(observer);
    pushAll(sink, quoted(0, 150));
    await close();
    expect(observer.texts).toEqual(quoted(0, 150).filter((event) => event !== "7"));
    expect(counts).toEqual({ sent: 149, dropped: 1 });
    expect(logged).toEqual(["the observer refuses an event"]);
  });

  it("an observer that begins anew is sent the latest review of each key again, and no other event", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const first = observed("a");
      const { sink, reviews, stage, counts } = sinkOver(first);
      sink('"event"');
      for (const text of ["old", "web", "new"]) reviews(JSON.stringify(text), text === "web" ? "web" : "api");
      await vi.advanceTimersByTimeAsync(1_000);
      expect(first.texts).toEqual(["event", "old", "web", "new"]);

      // Nothing is admitted any more, and it is told all the same.
      const second = observed("b");
      stage.observer = second;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(second.texts).toEqual(["web", "new"]);

      // Away while it begins anew; a newer review is not followed by the older one of its key.
      second.away = true;
      reviews('"newest"', "api");
      await vi.advanceTimersByTimeAsync(60_000);
      const third = observed("c");
      stage.observer = third;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(third.texts).toEqual(["newest", "web"]);
      expect(counts).toEqual({ sent: 8, dropped: 0 });
    } finally {
      vi.useRealTimers();
    }
  });
});
