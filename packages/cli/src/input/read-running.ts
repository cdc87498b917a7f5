import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { InvalidInputError, problemsOf, runningSchema, type RunningDigests } from "@gatehouse/policy";
import type { Io } from "../io.ts";

/** Reads what `gatehouse running` wrote. @throws InvalidInputError that names the file and all that is wrong with it */
export async function readRunning(file: string, io: Pick<Io, "cwd">): Promise<RunningDigests> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(resolve(io.cwd, file), "utf8"));
  } catch (error) {
    throw new InvalidInputError(
      "GH3008",
      file,
      [{ path: "", problem: error instanceof Error ? error.message : String(error) }],
      { cause: error },
    );
  }
  const parsed = runningSchema.safeParse(value);
  if (!parsed.success) throw new InvalidInputError("GH3008", file, problemsOf(parsed.error, value));
  return parsed.data;
}
