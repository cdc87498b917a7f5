import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { canonicalJson, policyWarnings } from "@gatehouse/policy";
import { exit } from "../exit.ts";
import type { Io } from "../io.ts";
import { loadPolicy } from "../load-policy.ts";
import { policyFile } from "../options.ts";
import { policyDiff } from "../render/policy-diff.ts";
import { policyText, warningLine } from "../render/policy-text.ts";

/** Adds `gatehouse policy` and `gatehouse policy diff`. `end` takes the exit status. */
export function addPolicy(program: Command, io: Io, end: (status: number) => void): void {
  const load = async (file: string | undefined) =>
    (await loadPolicy(resolve(io.cwd, policyFile(file, io.cwd)))).policy;

  const command = program
    .command("policy")
    .summary("show a policy in words or as canonical JSON, and what two of them differ in")
    .description(
      "Shows a policy: its rules and exemptions in words, its hash, and what is probably not meant.",
    )
    .argument("[file]", "policy (default: policy.ts or stacks/policy.ts here)")
    .addOption(
      new Option(
        "-o, --output <format>",
        "text, or json: the canonical JSON whose SHA-256 is the policy's hash",
      )
        .choices(["text", "json"])
        .default("text"),
    )
    .action(async (file: string | undefined, { output }: { output: "text" | "json" }) => {
      const policy = await load(file);
      const warnings = policyWarnings(policy, io.now());
      if (output === "json") {
        for (const warning of warnings) io.note(warningLine(warning));
        io.out(canonicalJson(policy, "the policy"));
      } else io.out(policyText(policy, warnings, io.style));
      end(exit.admitted);
    });

  command
    .command("diff")
    .summary("what two policies differ in, in words")
    .argument("<before>", "a policy")
    .argument("<after>", "another")
    .action(async (before: string, after: string) => {
      const lines = policyDiff(await load(before), await load(after));
      io.out(lines.length === 0 ? "The policies are the same.\n" : `${lines.join("\n")}\n`);
      end(exit.admitted);
    });
}
