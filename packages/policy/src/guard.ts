/** The guard: a change goes through when all that it newly denies was acknowledged beforehand. */
import type { Impact } from "./impact.ts";

/** What was acknowledged: rule to top owners as `namespace/Kind/name`. */
export type Acknowledged = Readonly<Record<string, readonly string[]>>;

/** One denial that nobody acknowledged. */
export interface Unacknowledged {
  rule: string;
  owner: string;
}

/** Newly denied pairs of rule and owner that are not acknowledged, sorted. Empty: the change may go through. */
export function unacknowledged(impact: Impact, acknowledged: Acknowledged): Unacknowledged[] {
  return impact.newlyDenied
    .flatMap(({ owner, rules }) => rules.map((rule) => ({ rule, owner })))
    .filter(({ rule, owner }) => !(acknowledged[rule] ?? []).includes(owner))
    .sort((a, b) => (`${a.rule} ${a.owner}` < `${b.rule} ${b.owner}` ? -1 : 1));
}

/** What to acknowledge so that exactly this change goes through, for the stack's configuration. */
export function acknowledgement(impact: Impact): Record<string, string[]> {
  const block: Record<string, string[]> = {};
  for (const { owner, rules } of impact.newlyDenied)
    for (const rule of rules) (block[rule] ??= []).push(owner);
  return Object.fromEntries(
    Object.entries(block)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([rule, owners]) => [rule, [...new Set(owners)].sort()]),
  );
}
