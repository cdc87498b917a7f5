import { Option, type Command } from "commander";
import { durationMs } from "@gatehouse/policy";
import { exit, UsageError } from "../exit.ts";
import type { Io } from "../io.ts";
import { connect, withConnectionOptions, type ConnectionOptions } from "../observer/connection.ts";
import { eventFilter, type EventFilter } from "../observer/event-filter.ts";
import { readEvents } from "../observer/read-events.ts";
import { untilInterrupted } from "../observer/interrupted.ts";
import { eventLine } from "../render/event-line.ts";
import { readInstant } from "../options.ts";

interface EventsOptions extends ConnectionOptions, EventFilter {
  follow: boolean;
  since?: string;
  json: boolean;
}

/** Adds `gatehouse events`. `end` takes the exit status. */
export function addEvents(program: Command, io: Io, end: (status: number) => void): void {
  const command = program
    .command("events")
    .summary("what the gate has judged lately, and what it judges now")
    .description(
      "Lists the latest events of a cluster's gate, oldest first: each thing that was said once, with how often. Standard output of the judges has all of them.",
    )
    .option("-f, --follow", "go on with what comes, until interrupted", false)
    .option("--since <time>", "only what was said in this time, such as 2h, or since an instant")
    .addOption(
      new Option(
        "--action <action>",
        "what happened; would-deny is what mode deny would have denied",
      ).choices(["denied", "would-deny", "audited", "admitted"]),
    )
    .option("-n, --namespace <name>", "of this namespace")
    .option("--workload <text>", "of top owners whose Kind/name has this in it")
    .option("--image <text>", "of images whose reference or digest has this in it")
    .option("--cve <id>", "decided by this finding")
    .option("--user <text>", "asked for by users whose name has this in it")
    .option("--json", "one JSON object a line: count, firstAt, lastAt, event", false);
  withConnectionOptions(command).action(async (options: EventsOptions) => end(await events(options, io)));
}

async function events(options: EventsOptions, io: Io): Promise<number> {
  const from = options.since === undefined ? undefined : moment(options.since, io.now());
  const fits = eventFilter(options);
  const stop = untilInterrupted();
  const connection = await connect(options);
  const pages = readEvents(connection, {
    follow: options.follow,
    signal: stop.signal,
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
  });
  for await (const { missed, events: page } of pages) {
    if (missed) io.note("events before these are gone: the observer began anew, or made room for newer ones");
    for (const shown of page) {
      if ((from !== undefined && Date.parse(shown.lastAt) < from) || !fits(shown)) continue;
      io.out(options.json ? `${JSON.stringify(shown)}\n` : `${eventLine(shown, io.style)}\n`);
    }
  }
  return exit.admitted;
}

/** Milliseconds since 1970 of `2h` ago or of an instant. */
function moment(text: string, now: number): number {
  const ago = durationMs(text);
  if (ago !== undefined) return now - ago;
  try {
    return readInstant(text);
  } catch (error) {
    throw new UsageError(
      "GH3001",
      `--since: expected a time such as 2h, a date or an instant. ${error instanceof Error ? error.message : ""}`.trim(),
    );
  }
}
