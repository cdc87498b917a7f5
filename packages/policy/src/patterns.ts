import type { Patterns } from "./model.ts";

/** Compiled patterns: one language for every name that a scope or filter can ask for. */
export interface PatternMatcher {
  /** Whether the value is meant. */
  (value: string): boolean;
  /** Whether any of several names of one thing is meant and none is excluded: an id and its aliases. */
  any(values: readonly string[]): boolean;
}

/** Compiles patterns that `patternProblem` has nothing against. */
export function compilePatterns(patterns: Patterns): PatternMatcher {
  const list = typeof patterns === "string" ? [patterns] : patterns;
  const negated = list
    .filter((pattern) => pattern.startsWith("!"))
    .map((pattern) => single(pattern.slice(1)));
  const positive = list.filter((pattern) => !pattern.startsWith("!")).map(single);
  const wanted = (value: string) => positive.length === 0 || positive.some((matches) => matches(value));
  const excluded = (value: string) => negated.some((matches) => matches(value));
  const matcher = (value: string) => wanted(value) && !excluded(value);
  return Object.assign(matcher, {
    any: (values: readonly string[]) => values.some(wanted) && !values.some(excluded),
  });
}

function single(pattern: string): (value: string) => boolean {
  const open = pattern.startsWith("*");
  const close = pattern.endsWith("*") && pattern.length > 1;
  const text = pattern.slice(open ? 1 : 0, close ? -1 : undefined);
  if (pattern === "*") return () => true;
  if (open && close) return (value) => value.includes(text);
  if (open) return (value) => value.endsWith(text);
  if (close) return (value) => value.startsWith(text);
  return (value) => value === text;
}

/** What is wrong with a pattern, or `undefined`. */
export function patternProblem(pattern: string): string | undefined {
  const text = pattern.startsWith("!") ? pattern.slice(1) : pattern;
  if (text === "") return `"${pattern}" is empty; write a name, or * for any`;
  if (text === "**") return `"${pattern}" asks for nothing; write * for any`;
  if (text.slice(1, -1).includes("*"))
    return `"${pattern}" has a * inside; a * may stand first or last only, as in team-*, *-prod, *legacy*`;
  if (text.startsWith("!")) return `"${pattern}" is negated twice`;
  return undefined;
}
