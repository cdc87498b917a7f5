import type { Patterns } from "./model.ts";
import type { Tri } from "./tri.ts";

/** Compiled patterns: one language for every name that a scope or filter can ask for. */
export interface PatternMatcher {
  /** Whether the value is meant. */
  (value: string): boolean;
  /** Whether any of several names of one thing is meant and none is excluded: an id and its aliases. */
  any(values: readonly string[]): boolean;
  /**
   * The same, of a thing that has further names which are not known: whether one of them could be what a pattern
   * (without its negation) asks for is `possible`'s to say. Unknown when such a name could change the answer.
   */
  anyOfSome(values: readonly string[], possible: (pattern: string) => boolean): Tri;
}

/** Compiles patterns that `patternProblem` has nothing against. */
export function compilePatterns(patterns: Patterns): PatternMatcher {
  const list = typeof patterns === "string" ? [patterns] : patterns;
  const negations = list.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  const demands = list.filter((pattern) => !pattern.startsWith("!"));
  const negated = negations.map(single);
  const positive = demands.map(single);
  const wanted = (value: string) => positive.length === 0 || positive.some((matches) => matches(value));
  const excluded = (value: string) => negated.some((matches) => matches(value));
  const matcher = (value: string) => wanted(value) && !excluded(value);
  return Object.assign(matcher, {
    any: (values: readonly string[]) => values.some(wanted) && !values.some(excluded),
    anyOfSome(values: readonly string[], possible: (pattern: string) => boolean): Tri {
      if (values.some(excluded)) return false;
      const meant = positive.length === 0 || values.some(wanted);
      if (!meant && !demands.some(possible)) return false;
      return meant && !negations.some(possible) ? true : undefined;
    },
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
