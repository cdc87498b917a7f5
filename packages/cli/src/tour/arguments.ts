import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** What `npm start` was asked for. */
export interface TourArguments {
  once: boolean;
  json: boolean;
  /** Folder of cases to run instead of the tour. */
  cases: string | undefined;
  policy: string;
}

const samplePolicy = fileURLToPath(new URL("../../../../stacks/policy.ts", import.meta.url));

/** @throws Error that says what is wrong with them */
export function readArguments(args: readonly string[]): TourArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: "boolean" },
      json: { type: "boolean" },
      cases: { type: "string" },
      policy: { type: "string" },
    },
  });
  const { once = false, json = false, cases, policy } = values;
  if (!once && (json || cases !== undefined)) throw new Error("--json and --cases need --once");
  return {
    once,
    json,
    cases: cases === undefined ? undefined : resolve(cases),
    policy: policy === undefined ? samplePolicy : resolve(policy),
  };
}
