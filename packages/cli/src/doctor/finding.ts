import type { CommandCode } from "@gatehouse/policy";

/** What is looked at, and the code of what is found there. */
export const checkCodes = {
  prerequisites: "GH3101",
  installation: "GH3102",
  certificates: "GH3103",
  reachability: "GH3104",
  clock: "GH3105",
  namespaces: "GH3106",
  scanning: "GH3107",
  identity: "GH3108",
  metrics: "GH3109",
} as const satisfies Record<string, CommandCode>;

/** Something that the doctor looks at. */
export type Check = keyof typeof checkCodes;

/** One thing that the doctor looked at. */
export interface DoctorFinding {
  /** `problem`: the gate does not do what it is there for, or will not. `warning`: it does, and somebody should look. */
  level: "ok" | "warning" | "problem";
  check: Check;
  /** Where something is to be mended: the code of the check. */
  code?: CommandCode;
  /** One line. */
  text: string;
  /** The command or setting that mends it. Absent where nothing is wrong. */
  mend?: string;
}

/** Findings of one check, made with less to write. */
export function findingsOf(check: Check): {
  ok: (text: string) => DoctorFinding;
  warning: (text: string, mend: string) => DoctorFinding;
  problem: (text: string, mend: string) => DoctorFinding;
} {
  return {
    ok: (text) => ({ level: "ok", check, text }),
    warning: (text, mend) => ({ level: "warning", check, code: checkCodes[check], text, mend }),
    problem: (text, mend) => ({ level: "problem", check, code: checkCodes[check], text, mend }),
  };
}
