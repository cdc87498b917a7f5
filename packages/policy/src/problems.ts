import type * as z from "zod/mini";
import { withCode, type Code } from "./codes.ts";

/** One thing that is wrong with some input: where, and how to mend it. */
export interface Problem {
  /** Path into the input: `rules.no-criticals.when.findings.minSeverity`. Empty for the whole. */
  path: string;
  /** What was expected, against what came, and how to mend it. */
  problem: string;
}

/** All that is wrong with an input, in one error. */
export class InvalidInputError extends Error {
  readonly code: Code;
  readonly problems: readonly Problem[];

  /** @param what names the input: "the policy", "config.json" */
  constructor(code: Code, what: string, problems: readonly Problem[], options?: ErrorOptions) {
    const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    super(withCode(code, `${what} has ${count}:\n${listProblems(problems)}`), options);
    this.name = "InvalidInputError";
    this.code = code;
    this.problems = problems;
  }
}

/** One line each, for people. */
export function listProblems(problems: readonly Problem[]): string {
  return problems.map(({ path, problem }) => `  ${path === "" ? "" : `${path}: `}${problem}`).join("\n");
}

/** A schema's findings as problems, with what was received at each place. */
export function problemsOf(error: z.core.$ZodError, input: unknown): Problem[] {
  return error.issues.flatMap((issue) => issueProblems(issue, input, []));
}

function issueProblems(issue: z.core.$ZodIssue, input: unknown, above: readonly PropertyKey[]): Problem[] {
  const place = [...above, ...issue.path];
  const path = place.map(String).join(".");
  const received = show(at(input, place));
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: path === "" ? key : `${path}.${key}`,
        problem: "no such field",
      }));
    case "invalid_union": {
      // Of several forms that a value may have, speaks of the one that came closest.
      const [closest] = issue.errors.toSorted((a, b) => depth(b) - depth(a));
      return closest === undefined
        ? [{ path, problem: `expected another form, got ${received}` }]
        : closest.flatMap((inner) => issueProblems(inner, input, place));
    }
    case "invalid_value":
      return [
        {
          path,
          problem: `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}, got ${received}`,
        },
      ];
    case "invalid_type":
      return [{ path, problem: `expected ${issue.expected}, got ${received}` }];
    case "invalid_key":
      return [
        {
          path,
          problem: `not a valid name; expected ${issue.issues.map(({ message }) => message).join(", ")}`,
        },
      ];
    default:
      return [
        {
          path,
          problem: issue.code === "custom" ? issue.message : `expected ${issue.message}, got ${received}`,
        },
      ];
  }
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === "invalid_union" ? 1 : 0)));
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
