/** Checks of single arguments, for Gate and for the clouds' components. Each gives what must be mended, or nothing. */
import * as pulumi from "@pulumi/pulumi";
import { problemsOf, type Problem } from "@gatehouse/policy";
import { argumentError } from "./errors.ts";

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Expects one of a few words; absent is fine. */
export function oneOf(path: string, value: unknown, allowed: readonly string[]): Problem[] {
  if (value === undefined || allowed.includes(value as string)) return [];
  return [{ path, problem: `expected ${allowed.join(" or ")}, got ${show(value)}` }];
}

/** Expects a whole number between two, both included; absent is fine. */
export function whole(path: string, value: unknown, least: number, most: number, why: string): Problem[] {
  if (
    value === undefined ||
    (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
  )
    return [];
  return [{ path, problem: `expected a whole number from ${least} to ${most} (${why}), got ${show(value)}` }];
}

/** Expects a DNS label, as Kubernetes names are; absent is fine. */
export function name(path: string, value: unknown): Problem[] {
  if (value === undefined || (typeof value === "string" && DNS_LABEL.test(value))) return [];
  return [
    { path, problem: `expected lower-case letters, digits and dashes, at most 63, got ${show(value)}` },
  ];
}

/** Expects text of a form that `expected` describes, with an example. */
export function matching(path: string, value: unknown, form: RegExp, expected: string): Problem[] {
  if (typeof value === "string" && form.test(value)) return [];
  return [{ path, problem: `expected ${expected}, got ${show(value)}` }];
}

/** A schema of `@gatehouse/policy`, as far as checking needs it. */
export interface Schema {
  safeParse(value: unknown): { success: true } | { success: false; error: Parameters<typeof problemsOf>[0] };
}

/** Expects what the gate will read it as. */
export function schemaProblems(path: string, value: unknown, schema: Schema): Problem[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return problemsOf(parsed.error, value).map(({ path: inner, problem }) => ({
    path: inner === "" ? path : `${path}.${inner}`,
    problem,
  }));
}

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (pulumi.Output.isInstance(value)) return "an Output";
  return JSON.stringify(value) ?? typeof value;
}

/** Whether a value is only known later, so that its check has to wait. */
export function isLater(value: unknown): boolean {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

/**
 * An input that is checked as soon as it is known: what is plain was checked with all other arguments, what is an
 * Output fails the preview or update when it resolves to something wrong.
 */
export function checkedLater(
  component: { kind: string; name: string },
  input: pulumi.Input<string>,
  check: (value: string) => Problem[],
): pulumi.Output<string> {
  return pulumi.output(input).apply((value) => {
    const problems = check(value);
    if (problems.length > 0) throw argumentError(component.kind, component.name, problems);
    return value;
  });
}
