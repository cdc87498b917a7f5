import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { RunError } from "@pulumi/pulumi";
import { listProblems, problemsOf, runningSchema, withCode, type RunningDigests } from "@gatehouse/policy";

/**
 * Reads what `gatehouse running` wrote.
 *
 * @param path relative to `base`
 * @throws RunError when it cannot be read, with all that is wrong with it
 */
export function readRunning(path: string, base: string): RunningDigests {
  const file = resolve(base, path);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new RunError(
      withCode(
        "GH2002",
        `running: ${JSON.stringify(path)} cannot be read (looked for ${file}): ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
  }
  const parsed = runningSchema.safeParse(value);
  if (!parsed.success)
    throw new RunError(
      withCode(
        "GH2002",
        `running: ${JSON.stringify(path)} is not what gatehouse running writes:\n${listProblems(problemsOf(parsed.error, value))}`,
      ),
    );
  return parsed.data;
}
