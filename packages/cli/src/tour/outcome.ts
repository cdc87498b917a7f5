import { modes, outcomes, type Outcome } from "@gatehouse/policy";

/** What a case says should come of it. A field that is absent asks nothing. */
export interface Expected {
  action: Outcome;
  code?: string;
  findings?: number;
}

/** One admission of a run, as `--json` tells it. */
export interface Admission {
  name: string;
  /** Absent when the case is too broken to say. */
  expected: Expected | null;
  /** `error` when nothing was decided. */
  action: Outcome | "error";
  code: string | null;
  /** How many findings decided, over all images: of the rules that ask for audit or deny, each finding once. */
  findings: number | null;
  /** The denial, else the warnings, else what is wrong with the case. */
  message: string;
}

/** Whether it came out as expected. */
export function passed({ expected, action, code, findings }: Admission): boolean {
  return (
    expected !== null &&
    expected.action === action &&
    (expected.code === undefined || expected.code === code) &&
    (expected.findings === undefined || expected.findings === findings)
  );
}

/** The last line of `--json`. */
export function summary(admissions: readonly Admission[]): string {
  const count = admissions.filter(passed).length;
  return JSON.stringify({ passed: count, failed: admissions.length - count, admissions });
}

/** Reads an `expected.json`. @throws Error that says what is wrong with it */
export function readExpected(text: string): Expected {
  const value: unknown = JSON.parse(text);
  const fields = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const { action, code, findings, ...others } = fields;
  const problems: string[] = [];
  if (!isOneOf(outcomes, action))
    problems.push(`action: expected ${outcomes.join(" or ")}, got ${JSON.stringify(action)}`);
  if (code !== undefined && typeof code !== "string") problems.push("code: expected a text such as GH1001");
  if (findings !== undefined && !Number.isInteger(findings)) problems.push("findings: expected a number");
  problems.push(...Object.keys(others).map((name) => `${name}: no such field`));
  if (problems.length > 0) throw new Error(problems.join("; "));
  return fields as unknown as Expected;
}

/** A mode from a file of one word. @throws Error when it is none */
export function readMode(text: string): (typeof modes)[number] {
  const word = text.trim();
  if (isOneOf(modes, word)) return word;
  throw new Error(`expected ${modes.join(" or ")}, got ${JSON.stringify(word.slice(0, 80))}`);
}

function isOneOf<const T>(all: readonly T[], value: unknown): value is T {
  return (all as readonly unknown[]).includes(value);
}
