import { resolve } from "node:path";
import type { Command } from "commander";
import {
  InvalidInputError,
  problemsOf,
  runningOfDenied,
  runningSchema,
  type Policy,
  type RunningDigests,
} from "@gatehouse/policy";
import { exit, UsageError } from "../exit.ts";
import type { Io } from "../io.ts";
import { loadPolicy } from "../load-policy.ts";
import { impactOf, jsonOf, openObserver, questionMs } from "../observer/connect.ts";
import { withConnectionOptions, type ConnectionOptions } from "../observer/connection.ts";
import { policyFile } from "../options.ts";

interface RunningOptions extends ConnectionOptions {
  policy?: string;
  rule?: string[];
}

/** Adds `gatehouse running`. `end` takes the exit status. */
export function addRunning(program: Command, io: Io, end: (status: number) => void): void {
  const command = program
    .command("running")
    .summary("the digests that run now, for a rule's running.admitUntil")
    .description(
      "Writes the digests that run now, as `running` of a Gate takes them: sorted, to be reviewed and committed. With --rule only those that these rules would deny. Exit status: 0 written, 3 usage, or no answer.",
    )
    .option("--rule <name...>", "only what runs and these rules of the policy would deny")
    .option("--policy <file>", "policy with these rules (default: policy.ts or stacks/policy.ts here)");
  withConnectionOptions(command).action(async (options: RunningOptions) => {
    io.out(runningText(await running(options, io)));
    end(exit.admitted);
  });
}

/** One entry a line, so that a review sees what came and went. */
function runningText(digests: RunningDigests): string {
  return digests.length === 0
    ? "[]\n"
    : `[\n${digests.map((entry) => `  ${JSON.stringify(entry)}`).join(",\n")}\n]\n`;
}

async function running(options: RunningOptions, io: Io): Promise<RunningDigests> {
  const { rule: rules } = options;
  const policy = rules && (await policyOf(rules, options, io));
  const ask = await openObserver(options);
  if (policy !== undefined) {
    // Nothing on record yet: what is on record already would not be denied, and would be left out.
    return runningOfDenied(await impactOf(ask, { policy, mode: "deny", running: [] }));
  }
  const { text } = await ask("/v1/running", { timeoutMs: questionMs });
  const value = jsonOf(text);
  const parsed = runningSchema.safeParse(value);
  if (!parsed.success)
    throw new InvalidInputError("GH3026", "the observer's answer", problemsOf(parsed.error, value));
  return parsed.data;
}

/** The policy with these rules alone. */
async function policyOf(rules: readonly string[], options: RunningOptions, io: Io): Promise<Policy> {
  const { policy } = await loadPolicy(resolve(io.cwd, policyFile(options.policy, io.cwd)));
  const unknown = rules.filter((name) => !Object.hasOwn(policy.rules, name));
  if (unknown.length > 0)
    throw new UsageError(
      "GH3001",
      `the policy has no rule ${unknown.join(", ")}; it has ${Object.keys(policy.rules).join(", ")}`,
    );
  const kept = Object.entries(policy.rules).filter(([name]) => rules.includes(name));
  return { ...policy, rules: Object.fromEntries(kept), exemptions: exemptionsFor(policy, rules) };
}

/** Exemptions name rules, and may name none that the policy lacks. */
function exemptionsFor({ exemptions }: Policy, rules: readonly string[]): Policy["exemptions"] {
  return Object.fromEntries(
    Object.entries(exemptions).flatMap(([name, exemption]) => {
      if (exemption.rules === undefined) return [[name, exemption]];
      const named = exemption.rules.filter((rule) => rules.includes(rule));
      return named.length === 0 ? [] : [[name, { ...exemption, rules: named }]];
    }),
  );
}
