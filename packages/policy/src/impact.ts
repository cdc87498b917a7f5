/**
 * What a change of policy or mode would do to what a cluster holds. Pure: the hook of `pulumi preview`, the command
 * line, the observer and replay all call it, on the same `decide` that admission calls.
 */
import { daysUntil, endOf } from "./deadline.ts";
import { countFindings } from "./impact-findings.ts";
import { denyingRules, judgePart, violation } from "./impact-judge.ts";
import type { ImpactPart } from "./impact-judge.ts";
import type {
  EndingExemption,
  FutureDenial,
  Impact,
  ImpactEntry,
  ImpactSubject,
  Regime,
} from "./impact-model.ts";
import type { Policy } from "./model.ts";

const dayMs = 86_400_000;

/** What an impact may be asked for besides its regimes. */
export interface ImpactOptions {
  /** How far the projection looks, in days. @default 14 */
  horizonDays?: number;
}

/**
 * Compares two regimes over all that a cluster holds.
 *
 * @param before what is in force; absent when there is no gate yet, which admits everything
 * @param now milliseconds since the epoch
 */
export function impact(
  before: Regime | undefined,
  after: Regime,
  subjects: readonly ImpactSubject[],
  now: number,
  options: ImpactOptions = {},
): Impact {
  const steps = impactSteps(before, after, subjects, now, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * The same in small steps, for a caller who must not be away for long: each step judges one workload once, and the
 * last one has the result.
 */
export function* impactSteps(
  before: Regime | undefined,
  after: Regime,
  subjects: readonly ImpactSubject[],
  now: number,
  { horizonDays = 14 }: ImpactOptions = {},
): Generator<void, Impact> {
  const all = subjects.toSorted((a, b) => (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0));
  const parts: Omit<ImpactPart, "deciding">[] = [];
  const findings = countFindings();
  for (const one of all) {
    const { deciding, ...part } = judgePart(before, after, one, now);
    if (isNewlyDenied(part.entry)) findings.add(deciding);
    parts.push(part);
    yield;
  }
  const violatesNow: ImpactEntry[] = [];
  for (const one of all) {
    const found = violation(after, one, now);
    if (found !== undefined) violatesNow.push(found.entry);
    yield;
  }
  const admitted = all.filter((_, index) => parts[index]?.entry.after !== "deny");
  const projection = after.mode === "deny" ? yield* project(after, admitted, now, horizonDays) : [];

  const entries = parts.map(({ entry }) => entry);
  const newlyDenied = entries.filter(isNewlyDenied);
  const used = new Set(parts.flatMap(({ usedExemptions }) => usedExemptions));
  return {
    at: new Date(now).toISOString(),
    ...(before === undefined ? {} : { before: { mode: before.mode } }),
    after: { mode: after.mode },
    workloads: all.length,
    newlyDenied,
    newlyAudited: entries.filter((entry) => entry.after === "audit" && entry.before === "allow"),
    newlyAdmitted: entries.filter((entry) => entry.before === "deny" && entry.after !== "deny"),
    stillDenied: entries.filter((entry) => entry.before === "deny" && entry.after === "deny").length,
    newlyExempt: parts.flatMap((part) => part.newlyExempt),
    noLongerExempt: parts.flatMap((part) => part.noLongerExempt),
    endingExemptions: endingExemptions(after.policy, used, now, horizonDays),
    violatesNow,
    unscanned: countUnscanned(parts),
    couldNotTell: count(parts.flatMap(({ couldNotTell }) => couldNotTell)).map(([attribute, workloads]) => ({
      attribute,
      workloads,
    })),
    byNamespace: count(newlyDenied.map(({ namespace }) => namespace)).map(([namespace, n]) => ({
      namespace,
      newlyDenied: n,
    })),
    byRule: count(newlyDenied.flatMap(({ rules }) => rules)).map(([rule, n]) => ({ rule, newlyDenied: n })),
    byCve: findings.cves(),
    fixes: findings.fixes(),
    projection,
  };
}

function isNewlyDenied({ before, after }: ImpactEntry): boolean {
  return after === "deny" && before !== "deny";
}

function endingExemptions(
  policy: Policy,
  used: ReadonlySet<string>,
  now: number,
  horizonDays: number,
): EndingExemption[] {
  return Object.entries(policy.exemptions)
    .flatMap(([exemption, { until }]) => {
      const end = until === undefined ? undefined : endOf(until);
      if (until === undefined || end === undefined || !used.has(exemption)) return [];
      const daysLeft = daysUntil(end, now);
      return daysLeft <= horizonDays ? [{ exemption, until, daysLeft }] : [];
    })
    .sort((a, b) => a.daysLeft - b.daysLeft || (a.exemption < b.exemption ? -1 : 1));
}

function countUnscanned(parts: readonly Pick<ImpactPart, "unscanned">[]): Impact["unscanned"] {
  const images = new Map<string, Impact["unscanned"][number]>();
  for (const { unscanned } of parts)
    for (const image of unscanned) {
      const workloads = images.get(image.reference)?.workloads ?? 0;
      images.set(image.reference, { ...image, workloads: workloads + 1 });
    }
  return [...images.values()].sort(
    (a, b) => b.workloads - a.workloads || (a.reference < b.reference ? -1 : 1),
  );
}

/**
 * The first day in the course of which each workload that is admitted now will be denied. Ages and ends only ever add
 * up to more denials (but for an age inside `not`), so the last day tells which workloads there are. The days are
 * asked one after the other for all of them, since filters remember what they found at one moment.
 */
function* project(
  after: Regime,
  admitted: readonly ImpactSubject[],
  now: number,
  horizonDays: number,
): Generator<void, FutureDenial[]> {
  const today = Math.floor(now / dayMs) * dayMs;
  const endOfDay = (day: number) => today + (day + 1) * dayMs - 1;
  let waiting: ImpactSubject[] = [];
  for (const one of admitted) {
    if (denyingRules(after, one, endOfDay(horizonDays)).length > 0) waiting.push(one);
    yield;
  }
  const found = new Map<string, FutureDenial>();
  for (let day = 0; day <= horizonDays && waiting.length > 0; day++) {
    const on = new Date(endOfDay(day)).toISOString().slice(0, 10);
    const still: ImpactSubject[] = [];
    for (const one of waiting) {
      const rules = denyingRules(after, one, endOfDay(day));
      if (rules.length === 0) still.push(one);
      else found.set(one.owner, { owner: one.owner, on, rules });
      yield;
    }
    waiting = still;
  }
  return [...found.values()];
}

/** How often each value stands in a list, the most frequent first. */
function count(values: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}
