import { resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import { modes, replay, type Mode } from "@gatehouse/policy";
import { exit } from "../exit.ts";
import { readRunning } from "../input/read-running.ts";
import type { Io } from "../io.ts";
import { loadPolicy } from "../load-policy.ts";
import { readInstant } from "../options.ts";
import { replayText } from "../render/replay-text.ts";
import { readSnapshotFile } from "../snapshot/file.ts";

interface ReplayCommandOptions {
  policy?: string;
  mode?: Mode;
  running?: string;
  now?: number;
  failOn?: "difference" | "newly-denied";
  output: "text" | "json";
}

/** Adds `gatehouse replay`. `end` takes the exit status. */
export function addReplay(program: Command, io: Io, end: (status: number) => void): void {
  program
    .command("replay")
    .summary("judge a snapshot again, offline")
    .description(
      "Judges all that a snapshot has by a policy, by default the one that was in force, and says what comes out otherwise than it was recorded. Exit status: 0 judged, 1 what --fail-on names was found, 3 usage or bad input.",
    )
    .argument("<snapshot>", "file of gatehouse record")
    .option("--policy <file>", "policy (default: the snapshot's)")
    .addOption(new Option("--mode <mode>", "mode of the cluster (default: the snapshot's)").choices(modes))
    .option("--running <file>", "digests on record, by gatehouse running (default: the snapshot's)")
    .addOption(
      new Option(
        "--now <time>",
        "judge as of this date or instant (default: when each was judged)",
      ).argParser((text: string) => {
        try {
          return readInstant(text);
        } catch (error) {
          throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
        }
      }),
    )
    .addOption(
      new Option("--fail-on <what>", "exit with 1 when there is any").choices([
        "difference",
        "newly-denied",
      ] as const),
    )
    .addOption(new Option("-o, --output <format>", "output format").choices(["text", "json"]).default("text"))
    .action(async (file: string, options: ReplayCommandOptions) => end(await run(file, options, io)));
}

async function run(file: string, options: ReplayCommandOptions, io: Io): Promise<number> {
  const snapshot = await readSnapshotFile(resolve(io.cwd, file));
  const policy =
    options.policy === undefined
      ? snapshot.policy
      : (await loadPolicy(resolve(io.cwd, options.policy))).policy;
  const replayed = replay(snapshot, {
    policy,
    mode: options.mode ?? snapshot.head.mode,
    running: options.running === undefined ? snapshot.head.running : await readRunning(options.running, io),
    ...(options.now === undefined ? {} : { at: options.now }),
  });
  io.out(options.output === "json" ? `${JSON.stringify(replayed, null, 2)}\n` : replayText(replayed));
  const found = {
    difference: replayed.differences.length > 0,
    "newly-denied": replayed.impact.newlyDenied.length > 0,
  };
  return options.failOn !== undefined && found[options.failOn] ? exit.denied : exit.admitted;
}
