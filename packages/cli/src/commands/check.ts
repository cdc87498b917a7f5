import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { modes, policyHash, withCode, type Mode } from "@gatehouse/policy";
import { exit, UsageError } from "../exit.ts";
import type { ManifestProblem } from "../input/manifests.ts";
import { readFiles } from "../input/read-files.ts";
import type { Io } from "../io.ts";
import { judgeAll, type Judged } from "../judge.ts";
import { loadPolicy } from "../load-policy.ts";
import { clusterOf, policyFile, withJudgingOptions, type JudgingOptions } from "../options.ts";
import { checkJson } from "../render/check-json.ts";
import { checkSarif } from "../render/check-sarif.ts";
import { checkText } from "../render/check-text.ts";
import type { Checked } from "../render/checked.ts";
import { problemLine } from "../render/problems.ts";
import { openReports } from "../reports.ts";

interface CheckOptions extends JudgingOptions {
  filename: string[];
  mode: Mode;
  output: "text" | "json" | "sarif";
}

/** Adds `gatehouse check`. `end` takes the exit status. */
export function addCheck(program: Command, io: Io, end: (status: number) => void): void {
  const command = program
    .command("check")
    .summary("judge manifests as the gate would")
    .description(
      "Judges manifests as the gate would. Exit status: 0 admitted, 1 denied, 2 could not tell, 3 usage or bad input.",
    )
    .requiredOption("-f, --filename <file...>", "manifests: files, folders, or - for standard input")
    .addOption(new Option("--mode <mode>", "mode of the cluster").choices(modes).default("deny"))
    .addOption(
      new Option("-o, --output <format>", "output format").choices(["text", "json", "sarif"]).default("text"),
    );
  withJudgingOptions(command).action(async (options: CheckOptions) => end(await check(options, io)));
}

const renderers = { text: checkText, json: checkJson, sarif: checkSarif } as const;

async function check(options: CheckOptions, io: Io): Promise<number> {
  const { policy } = await loadPolicy(resolve(io.cwd, policyFile(options.policy, io.cwd)));
  const now = options.now ?? io.now();
  const { scans: directory, maxScanAge, mode, namespace, namespaceLabel, platform: platforms } = options;
  const read = await readFiles(options.filename, io);
  const reports = await openReports({ directory, maxScanAge, cwd: io.cwd, now });
  try {
    const { judged, problems } = await judgeAll(read.manifests, {
      policy,
      mode,
      now,
      lookUp: reports.lookUp,
      cluster: clusterOf(options),
      platforms,
      namespace,
      ...(Object.keys(namespaceLabel).length === 0 ? {} : { namespaceLabels: namespaceLabel }),
    });
    const all = [...read.problems, ...problems].sort(byPlace);
    for (const problem of all) io.note(problemLine(problem));
    for (const problem of reports.problems) io.note(withCode("GH3006", problem));
    if (judged.length === 0 && all.length === 0)
      throw new UsageError(
        "GH3002",
        `${options.filename.join(", ")}: expected Kubernetes objects, found none`,
      );
    const checked: Checked = { judged, problems: all, policy, policyHash: policyHash(policy), mode, now };
    io.out(renderers[options.output](checked, io.style));
    return all.length > 0 ? exit.usage : statusOf(judged);
  } finally {
    await reports.close();
  }
}

function byPlace(a: ManifestProblem, b: ManifestProblem): number {
  return a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1;
}

/** Denied outranks what could not be told. */
function statusOf(judged: readonly Judged[]): number {
  if (judged.some(isDenied)) return exit.denied;
  const open = judged.some((one) => one.verdict === "refused" || (one.verdict === "ruled" && one.open));
  return open ? exit.couldNotTell : exit.admitted;
}

function isDenied(one: Judged): boolean {
  if (one.verdict === "refused") return one.action === "deny";
  return one.verdict === "ruled" && one.ruling.action === "deny";
}
