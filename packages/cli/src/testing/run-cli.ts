import { fileURLToPath } from "node:url";
import type { Io } from "../io.ts";
import { run } from "../program.ts";
import { plain } from "../render/style.ts";

/** What a command line said and how it ended. */
export interface Ran {
  status: number;
  out: string;
  /** Lines of standard error. */
  notes: string[];
}

/** Root of the repository. */
export const repository = fileURLToPath(new URL("../../../../", import.meta.url));

/** Runs a command line in this process, at a fixed time. */
export async function runCli(
  args: readonly string[],
  options: { input?: string; cwd?: string } = {},
): Promise<Ran> {
  let out = "";
  const notes: string[] = [];
  const io: Io = {
    out: (text) => {
      out += text;
    },
    note: (line) => void notes.push(line),
    readInput: () => Promise.resolve(options.input ?? ""),
    cwd: options.cwd ?? repository,
    style: plain,
    now: () => Date.parse("2026-11-22T10:00:00Z"),
  };
  const status = await run(args, io);
  return { status, out, notes };
}
