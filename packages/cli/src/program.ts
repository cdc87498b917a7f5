import { Command, CommanderError } from "commander";
import { InvalidInputError, oneLine, withCode } from "@gatehouse/policy";
import manifest from "../package.json" with { type: "json" };
import { addCheck } from "./commands/check.ts";
import { addCode } from "./commands/code.ts";
import { addDashboard } from "./commands/dashboard.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEvents } from "./commands/events.ts";
import { addExplain } from "./commands/explain.ts";
import { addFeed } from "./commands/feed.ts";
import { addPolicy } from "./commands/policy.ts";
import { addPreview } from "./commands/preview.ts";
import { addRecord } from "./commands/record.ts";
import { addReplay } from "./commands/replay.ts";
import { addRunning } from "./commands/running.ts";
import { exit, UsageError } from "./exit.ts";
import type { Io } from "./io.ts";

/** All commands, with their options. `end` takes the exit status of the one that runs. */
export function createProgram(io: Io, end: (status: number) => void): Command {
  const program = new Command("gatehouse")
    .description("Gatehouse admits container images only when their scans satisfy your policy.")
    .version(manifest.version)
    .showHelpAfterError("(gatehouse --help shows commands, gatehouse COMMAND --help its options)")
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.note(text.trimEnd()),
      outputError: (text, write) => write(withCode("GH3001", text.trimEnd())),
    })
    .exitOverride();
  addCheck(program, io, end);
  addExplain(program, io, end);
  addPolicy(program, io, end);
  addPreview(program, io, end);
  addRunning(program, io, end);
  addRecord(program, io, end);
  addReplay(program, io, end);
  addEvents(program, io, end);
  addDashboard(program, io, end);
  addDoctor(program, io, end);
  addFeed(program, io, end);
  addCode(program, io, end);
  return program;
}

/** Runs one command line (without node and script). Answers the exit status; never throws. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  let status: number = exit.admitted;
  try {
    const program = createProgram(io, (value) => {
      status = value;
    });
    await program.parseAsync([...args], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exit.usage;
    if (error instanceof UsageError || error instanceof InvalidInputError) {
      for (const line of error.message.split("\n")) io.note(safe(line));
      return exit.usage;
    }
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    for (const line of withCode("GH3901", `gatehouse failed: ${why}`).split("\n")) io.note(safe(line));
    return exit.usage;
  }
}

/** Indentation stays, everything else that could move a cursor goes. */
function safe(line: string): string {
  const depth = /^ */.exec(line)?.[0] ?? "";
  return depth + oneLine(line.slice(depth.length), 2000);
}
