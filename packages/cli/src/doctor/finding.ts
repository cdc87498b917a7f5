/** One thing that the doctor looked at. */
export interface DoctorFinding {
  /** `problem`: the gate does not do what it is there for, or will not. `warning`: it does, and somebody should look. */
  level: "ok" | "warning" | "problem";
  /** What was looked at, such as `certificates`. */
  check: string;
  /** One line. */
  text: string;
  /** The command or setting that mends it. Absent where nothing is wrong. */
  mend?: string;
}

/** Findings of one check, made with less to write. */
export function findingsOf(check: string): {
  ok: (text: string) => DoctorFinding;
  warning: (text: string, mend: string) => DoctorFinding;
  problem: (text: string, mend: string) => DoctorFinding;
} {
  return {
    ok: (text) => ({ level: "ok", check, text }),
    warning: (text, mend) => ({ level: "warning", check, text, mend }),
    problem: (text, mend) => ({ level: "problem", check, text, mend }),
  };
}
