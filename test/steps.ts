import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The project's root, with a trailing slash. */
export const root = fileURLToPath(new URL("../", import.meta.url));

/** One command to run from the root. */
export interface Step {
  name: string;
  command: readonly [string, ...string[]];
  env?: Readonly<Record<string, string>>;
}

/** Runs steps one after another, the output in sight; stops at the first that fails. Answers its exit status. */
export function runSteps(steps: readonly Step[]): number {
  const times: string[] = [];
  let total = 0;
  for (const { name, command, env } of steps) {
    console.log(`\n> ${name}: ${command.join(" ")}`);
    const start = performance.now();
    const [program, ...args] = command;
    const { status, error } = spawnSync(program, args, {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, ...env },
    });
    const seconds = (performance.now() - start) / 1000;
    total += seconds;
    times.push(`  ${name.padEnd(28)} ${seconds.toFixed(1).padStart(7)} s`);
    if (error) console.error(`${name} could not start: ${error.message}`);
    if (status !== 0) {
      console.error(
        `\n${name} failed (exit status ${status ?? "none"}); run it alone with: ${command.join(" ")}`,
      );
      return status ?? 1;
    }
  }
  console.log(`\n${times.join("\n")}\n  ${"sum".padEnd(28)} ${(total / 60).toFixed(1).padStart(7)} min`);
  return 0;
}
