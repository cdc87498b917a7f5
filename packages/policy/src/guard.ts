/** The guard: a change goes through when all that it newly denies was acknowledged beforehand. */
import type { Impact } from "./impact-model.ts";

/** What was acknowledged: rule to top owners as `namespace/Kind/name`. */
export type Acknowledged = Readonly<Record<string, readonly string[]>>;

/** One denial that nobody acknowledged. */
export interface Unacknowledged {
  rule: string;
  owner: string;
}

/** Newly denied pairs of rule and owner that are not acknowledged, sorted. Empty: the change may go through. */
export function unacknowledged(
  impact: Pick<Impact, "newlyDenied">,
  acknowledged: Acknowledged,
): Unacknowledged[] {
  const known = new Map(Object.entries(acknowledged).map(([rule, owners]) => [rule, new Set(owners)]));
  return impact.newlyDenied
    .flatMap(({ owner, rules }) => rules.map((rule) => ({ rule, owner })))
    .filter(({ rule, owner }) => known.get(rule)?.has(owner) !== true)
    .sort((a, b) => compareText(a.rule, b.rule) || compareText(a.owner, b.owner));
}

/** What to acknowledge so that exactly this change goes through, for the stack's configuration. */
export function acknowledgement(impact: Pick<Impact, "newlyDenied">): Record<string, string[]> {
  const block = new Map<string, Set<string>>();
  for (const { owner, rules } of impact.newlyDenied)
    for (const rule of rules) block.set(rule, (block.get(rule) ?? new Set()).add(owner));
  return Object.fromEntries(
    [...block].sort(([a], [b]) => compareText(a, b)).map(([rule, owners]) => [rule, [...owners].sort()]),
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
