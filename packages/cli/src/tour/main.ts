/** `npm start`: a judge on this machine, a short tour of what it says, and then the judge to play with. */
import { realpathSync } from "node:fs";
import { basename, relative } from "node:path";
import { createStyle } from "../render/style.ts";
import { loadPolicy } from "../load-policy.ts";
import { readArguments, type TourArguments } from "./arguments.ts";
import { runCases } from "./cases.ts";
import { stayUp } from "./live.ts";
import { passed, summary, type Admission } from "./outcome.ts";
import { admissionsOf, playTour } from "./play.ts";
import { caseLines, footer, header, sceneLines } from "./print.ts";
import { openStage, type Stage } from "./stage.ts";

const style = createStyle(process.stdout, process.env);
const print = (lines: readonly string[]) => process.stdout.write(`${lines.join("\n")}\n`);

/** Answers the exit status, once it is time to go. */
async function main(): Promise<number> {
  const args = readArguments(process.argv.slice(2));
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
    // Whoever read along has gone.
    process.stdout.on("error", () => resolve());
  });
  const stage = await openStage();
  try {
    return await Promise.race([run(args, stage), interrupted.then(() => (args.once ? 130 : 0))]);
  } finally {
    await stage.close();
  }
}

async function run(args: TourArguments, stage: Stage): Promise<number> {
  if (args.cases !== undefined) {
    const admissions = await runCases(stage, args.cases, args.policy);
    print(args.json ? [summary(admissions)] : caseLines(admissions, style));
    return statusOf(admissions);
  }
  const inside = relative(process.cwd(), realpathSync(args.policy));
  const name = inside.startsWith("..") || inside.length > 24 ? basename(inside) : inside;
  const { policy, files } = await loadPolicy(args.policy);
  const played = await playTour(stage, policy);
  const admissions = admissionsOf(played);
  print(args.json ? [summary(admissions)] : [...header(policy, name, style), ...sceneLines(played, style)]);
  if (args.once) return statusOf(admissions);
  const live = await stayUp({ stage, policyFile: args.policy, policy, files, say: (line) => print([line]) });
  print(footer({ ...live, policy: name }, style));
  return await new Promise(() => {});
}

function statusOf(admissions: readonly Admission[]): number {
  return admissions.every(passed) ? 0 : 1;
}

let status: number;
try {
  status = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  status = 3;
}
// What was interrupted may still wait for something; all that it had begun is ended. Output is written first.
process.stdout.write("", () => process.exit(status));
