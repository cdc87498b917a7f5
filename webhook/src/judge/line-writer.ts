import { write } from "node:fs";

/** Writes lines to a file descriptor without ever making its caller wait. */
export interface LineWriter {
  /** False when the buffer was full and the line was dropped. */
  write(line: string): boolean;
  /** Resolves when all lines are written or have failed. */
  flush(): Promise<void>;
}

/** Bytes taken together in one write. */
const chunkLength = 64 * 1024;
/** A full pipe of a reader that has fallen behind is tried again after this time, in milliseconds. */
const retryMs = 20;

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
    put(Buffer.from(lines.join(""), "utf8"), lines.length, length);
  }

  function put(bytes: Buffer, lines: number, length: number): void {
    write(fd, bytes, (error, done) => {
      if (error?.code === "EAGAIN") {
        setTimeout(() => put(bytes, lines, length), retryMs);
        return;
      }
      if (!error && done < bytes.length) {
        put(bytes.subarray(done), lines, length);
        return;
      }
      held -= length;
      if (error) options.dropped(lines);
      else options.written(lines);
      next();
    });
  }

  return {
    write(line) {
      if (held + line.length > options.limit) {
        options.dropped(1);
        return false;
      }
      held += line.length;
      waiting.push(line);
      if (!busy) {
        busy = true;
        setImmediate(next);
      }
      return true;
    },
    flush: () => (busy ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve()),
  };
}
