import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import type { EventInput } from "@gatehouse/policy";
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

describe("the pipeline", () => {
  it("counts by key, counts doubles once, and tells of what it drops", async () => {
    const lines: { id: string; data: { key: string; count: number } }[] = [];
    let dropped = 0;
    const pipeline = createEventPipeline({
      sinks: [(event) => void lines.push(JSON.parse(event) as (typeof lines)[0])],
      dropped: () => dropped++,
    });
    for (const uid of ["a", "b", "a", "c"]) pipeline.push(input(uid));
    expect(lines).toEqual([]);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(lines.map(({ id, data }) => [id, data.count])).toEqual([
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ]);
    expect(new Set(lines.map(({ data }) => data.key)).size).toBe(1);

    for (let index = 0; index < 6000; index++) pipeline.push(input(`burst-${index}`));
    expect(dropped).toBe(1000);
    pipeline.flush();
    expect(lines).toHaveLength(5003);
  });
});

describe("the line writer", () => {
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
  function sinkOver(post: (body: string) => Promise<void>) {
    const counts = { sent: 0, dropped: 0 };
    const sink = createObserverSink({
      post,
      sent: (events) => (counts.sent += events),
      dropped: (events) => (counts.dropped += events),
      log: () => {},
    });
    return { ...sink, counts };
  }

  it("sends batches in order", async () => {
    const batches: string[] = [];
    const { sink, close, counts } = sinkOver((body) => {
      batches.push(body);
      return Promise.resolve();
    });
    for (let index = 0; index < 250; index++) sink(String(index));
    await close();
    const all = batches.map((batch) => JSON.parse(batch) as number[]);
    expect([all.map((batch) => batch.length), all.flat()]).toEqual([
      [100, 100, 50],
      Array.from({ length: 250 }, (_, index) => index),
    ]);
    expect(counts).toEqual({ sent: 250, dropped: 0 });
  });

  it("keeps the newest while the observer is away, and counts what is lost", async () => {
    const { sink, close, counts } = sinkOver(() => Promise.reject(new Error("away")));
    for (let index = 0; index < 5000; index++) sink(String(index));
    expect(counts).toEqual({ sent: 0, dropped: 3000 });
    await close();
    expect(counts).toEqual({ sent: 0, dropped: 5000 });
  });
});
