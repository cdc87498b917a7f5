/**
 * `npm test`: checks, then the suites that were asked for. GATEHOUSE_SUITES names those that need more than Node
 * (`cluster`, `registry`, `browser`, `load`, `pulumi`, or `all`), joined by commas. `--soak` raises the counts of
 * fuzzing and load tests from a tenth to the whole.
 */
import { spawnSync } from "node:child_process";
import { checkSteps } from "./check.ts";
import { runSteps } from "./steps.ts";
import type { Step } from "./steps.ts";

const wanted = (process.env["GATEHOUSE_SUITES"] ?? "").split(",").filter(Boolean);
const soak = process.argv.includes("--soak");
const suites = ["cluster", "registry", "browser", "load", "pulumi"] as const;
const unknown = wanted.filter((name) => name !== "all" && !suites.some((suite) => suite === name));
if (unknown.length > 0) {
  console.error(`GATEHOUSE_SUITES names ${unknown.join(", ")}; the suites are ${suites.join(", ")}, or all`);
  process.exit(2);
}

/** The CLI cannot be installed from every registry, so its absence alone is no failure when all suites are asked for. */
const pulumiMissing = spawnSync("pulumi", ["version"], { stdio: "ignore" }).status !== 0;
const chosen = suites.filter((suite) => wanted.includes("all") || wanted.includes(suite));
const left = chosen.includes("pulumi") && !wanted.includes("pulumi") && pulumiMissing ? ["pulumi"] : [];
const env: Record<string, string> = soak ? { GATEHOUSE_SOAK: "1" } : {};

const steps: Step[] = [
  ...checkSteps,
  { name: "unit", command: ["vitest", "run", "--project", "unit"], env },
  ...chosen
    .filter((suite) => !left.includes(suite))
    .map((suite): Step => ({ name: suite, command: ["vitest", "run", "--project", suite], env })),
];
process.exitCode = runSteps(steps);
for (const suite of left) console.log(`not run: the ${suite} suite, since the Pulumi CLI is not on PATH`);
for (const suite of suites.filter((name) => !chosen.includes(name)))
  console.log(`not asked for: the ${suite} suite (GATEHOUSE_SUITES=${suite} or all)`);
