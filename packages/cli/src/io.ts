import { createStyle, type Style } from "./render/style.ts";

/** What commands have of the world. */
export interface Io {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes one line to standard error. */
  note(line: string): void;
  /** The whole of standard input. */
  readInput(): Promise<string>;
  cwd: string;
  style: Style;
  /** Milliseconds since 1970. */
  now(): number;
}

/** The process's own. */
export function processIo(): Io {
  return {
    out: (text) => void process.stdout.write(text),
    note: (line) => void process.stderr.write(`${line}\n`),
    async readInput() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString("utf8");
    },
    cwd: process.cwd(),
    style: createStyle(process.stdout, process.env),
    now: Date.now,
  };
}
