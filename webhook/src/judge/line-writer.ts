import { write } from "node:fs";

/** Writes lines to a file descriptor without ever blocking its caller. */
export interface LineWriter {
  /** False when the buffer was full and the line was dropped. */
  write(line: string): boolean;
  /**
   * Resolves when all lines so far are with the operating system, where the end of this process cannot touch them; or
   * when the reader has stopped to read, for whom nobody shall wait.
   */
  settled(): Promise<void>;
  /** Resolves when all lines are written or have failed. */
  flush(): Promise<void>;
}

/** Bytes taken together in one write. */
const chunkLength = 64 * 1024;
/** A full pipe of a reader that has fallen behind is tried again after this time, in milliseconds. */
const retryMs = 20;
/** How long one write may take before its reader counts as stopped, in milliseconds. */
const stalledMs = 50;

/**
 * A writer over a file descriptor. Node writes to a pipe on standard output synchronously, so a reader that stops
 * would stop the gate; here the write happens off the main thread, at most `limit` characters wait for it, and
 * what does not fit is dropped and reported. A line is written whole or not at all.
 */
export function createLineWriter(
  fd: number,
  options: { limit: number; written: (lines: number) => void; dropped: (lines: number) => void },
): LineWriter {
  let waiting: string[] = [];
  let held = 0;
  let busy = false;
  let stalled = false;
  /** Lines taken, and lines that are through, since the beginning. */
  let taken = 0;
  let through = 0;
  let settling: { upTo: number; resolve: () => void }[] = [];
  let idle: (() => void)[] = [];

  function next(): void {
    if (waiting.length === 0) {
      busy = false;
      for (const resolve of idle) resolve();
      idle = [];
      return;
    }
    busy = true;
    let length = 0;
    let count = 0;
    while (count < waiting.length && (count === 0 || length < chunkLength))
      length += waiting[count++]?.length ?? 0;
    const lines = waiting.splice(0, count);
    const patience = setTimeout(() => {
      stalled = true;
      settle(taken);
    }, stalledMs);
    put(Buffer.from(lines.join(""), "utf8"), (error) => {
      clearTimeout(patience);
      stalled = false;
      held -= length;
      through += lines.length;
      if (error) options.dropped(lines.length);
      else options.written(lines.length);
      settle(through);
      next();
    });
  }

  function put(bytes: Buffer, done: (error: Error | null) => void): void {
    write(fd, bytes, (error, length) => {
      if (error?.code === "EAGAIN") setTimeout(() => put(bytes, done), retryMs);
      else if (!error && length < bytes.length) put(bytes.subarray(length), done);
      else done(error);
    });
  }

  function settle(upTo: number): void {
    const first = settling.findIndex((one) => one.upTo > upTo);
    for (const { resolve } of settling.splice(0, first === -1 ? settling.length : first)) resolve();
  }

  return {
    write(line) {
      if (held + line.length > options.limit) {
        options.dropped(1);
        return false;
      }
      held += line.length;
      taken += 1;
      waiting.push(line);
      if (!busy) {
        busy = true;
        setImmediate(next);
      }
      return true;
    },
    settled: () =>
      !busy || stalled
        ? Promise.resolve()
        : new Promise((resolve) => settling.push({ upTo: taken, resolve })),
    flush: () => (busy ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve()),
  };
}
