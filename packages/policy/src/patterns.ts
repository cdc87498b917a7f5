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
  const wanted = demands.length === 0 ? always : anyOf(demands);
  const excluded = anyOf(negations);
  // Nearly all are plain, and asked for every image of every decision: no step more than the text takes.
  const matcher =
    negations.length === 0
      ? (value: string) => wanted(value)
      : (value: string) => wanted(value) && !excluded(value);
  return Object.assign(matcher, {
    any: (values: readonly string[]) => values.some(wanted) && !values.some(excluded),
    anyOfSome(values: readonly string[], possible: (pattern: string) => boolean): Tri {
      if (values.some(excluded)) return false;
      const meant = demands.length === 0 || values.some(wanted);
      if (!meant && !demands.some(possible)) return false;
      return meant && !negations.some(possible) ? true : undefined;
    },
  });
}

function always(): boolean {
  return true;
}

function anyOf(patterns: readonly string[]): (value: string) => boolean {
  const all = patterns.map(single);
  const [only] = all;
  return all.length === 1 && only !== undefined ? only : (value) => all.some((matches) => matches(value));
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
