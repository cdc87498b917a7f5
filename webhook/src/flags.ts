import { parseArgs } from "node:util";
import type { Problem } from "@gatehouse/policy";

/** What a flag takes: one text, texts by being given several times, or nothing. */
export type FlagKind = "text" | "list" | "switch";

/** The flags of a command line, each with what the environment says in its place. */
export interface Flags<Name extends string> {
  /** The text of a flag; of the command line alone when the environment must not speak for it. */
  one: (name: Name, from?: "anywhere" | "arguments") => string | undefined;
  /** In the environment with commas between. */
  many: (name: Name) => string[];
  /** A path that must be there: a problem, and empty, where it is not. */
  required: (name: Name) => string;
  isOn: (name: Name) => boolean;
}

/** Reads a command line. Every flag can also be given as `GATEHOUSE_NAME` in the environment. What is wrong goes to `problems`. */
export function readFlags<Name extends string>(
  kinds: Readonly<Record<Name, FlagKind>>,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  problems: Problem[],
): Flags<Name> {
  const options = Object.fromEntries(
    Object.entries<FlagKind>(kinds).map(([name, kind]) => [
      name,
      { type: kind === "switch" ? ("boolean" as const) : ("string" as const), multiple: kind === "list" },
    ]),
  );
  let values: Partial<Record<string, string | boolean | (string | boolean)[]>> = {};
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }));
  } catch (error) {
    problems.push({ path: "arguments", problem: error instanceof Error ? error.message : String(error) });
  }
  const inEnv = (name: string) => env[`GATEHOUSE_${name.toUpperCase().replaceAll("-", "_")}`];
  const one: Flags<Name>["one"] = (name, from = "anywhere") => {
    const value = values[name];
    if (typeof value === "string") return value;
    return from === "anywhere" ? inEnv(name) : undefined;
  };
  return {
    one,
    many(name) {
      const value = values[name];
      if (Array.isArray(value)) return value.map(String);
      return (inEnv(name) ?? "").split(",").filter((entry) => entry !== "");
    },
    required(name) {
      const value = one(name);
      if (value === undefined || value === "")
        problems.push({ path: `--${name}`, problem: "expected a path, got nothing" });
      return value ?? "";
    },
    isOn: (name) => values[name] === true || inEnv(name) === "true",
  };
}
