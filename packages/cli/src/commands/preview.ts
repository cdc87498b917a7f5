import { resolve } from "node:path";
import { Option, type Command } from "commander";
import {
  acknowledgement,
  acknowledgementText,
  impactMarkdown,
  impactSarif,
  impactText,
  modes,
  type Impact,
  type Mode,
  type RunningDigests,
} from "@gatehouse/policy";
import { exit } from "../exit.ts";
import { readRunning } from "../input/read-running.ts";
import type { Io } from "../io.ts";
import { loadPolicy } from "../load-policy.ts";
import { impactOf, openObserver } from "../observer/connect.ts";
import { withConnectionOptions, type ConnectionOptions } from "../observer/connection.ts";
import { policyFile } from "../options.ts";

interface PreviewOptions extends ConnectionOptions {
  policy?: string;
  mode: Mode;
  running?: string;
  failOn?: "newly-denied";
  output: keyof typeof renderers;
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** How an impact is shown; `text` is what `pulumi preview` shows. */
const renderers = {
  text: (impact: Impact) =>
    impact.newlyDenied.length === 0
      ? `${impactText(impact)}\n`
      : `${impactText(impact)}\n\nTo let it through, write this into the stack's settings, or mend the images first:\n${acknowledgementText(acknowledgement(impact))}\n`,
  json,
  markdown: impactMarkdown,
  sarif: (impact: Impact) => json(impactSarif(impact)),
} as const;

/** Adds `gatehouse preview`. `end` takes the exit status. */
export function addPreview(program: Command, io: Io, end: (status: number) => void): void {
  const command = program
    .command("preview")
    .summary("what a policy or mode would do to a cluster, before it does it")
    .description(
      "Asks a cluster's gate what a policy and mode would change for all that the cluster holds. Exit status: 0 judged, 1 newly denied with --fail-on newly-denied, 3 usage, or no answer.",
    )
    .option("--policy <file>", "proposed policy (default: policy.ts or stacks/policy.ts here)")
    .addOption(new Option("--mode <mode>", "proposed mode").choices(modes).default("deny"))
    .option("--running <file>", "digests on record, by gatehouse running (default: those in force)")
    .addOption(
      new Option("--fail-on <what>", "exit with 1 when there is any").choices(["newly-denied"] as const),
    )
    .addOption(
      new Option("-o, --output <format>", "output format").choices(Object.keys(renderers)).default("text"),
    );
  withConnectionOptions(command).action(async (options: PreviewOptions) => end(await preview(options, io)));
}

async function preview(options: PreviewOptions, io: Io): Promise<number> {
  const { policy } = await loadPolicy(resolve(io.cwd, policyFile(options.policy, io.cwd)));
  const running: RunningDigests | undefined =
    options.running === undefined ? undefined : await readRunning(options.running, io);
  const ask = await openObserver(options);
  const impact = await impactOf(ask, {
    policy,
    mode: options.mode,
    ...(running === undefined ? {} : { running }),
  });
  io.out(renderers[options.output](impact));
  return options.failOn === "newly-denied" && impact.newlyDenied.length > 0 ? exit.denied : exit.admitted;
}
