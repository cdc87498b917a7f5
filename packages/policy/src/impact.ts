/**
 * What a change of policy or mode would do to what a cluster holds. Pure: the hook of `pulumi preview`, the command
 * line and replay all call it, on the same `decide` that admission calls.
 */
import type { Decision, ImageDecision, Ruling } from "./decision.ts";
import { applyMode, decide } from "./decide.ts";
import { endOf, daysUntil } from "./deadline.ts";
import type { Finding } from "./finding.ts";
import { countCves, countFixes } from "./impact-findings.ts";
import type { CveCount, FixCount } from "./impact-findings.ts";
import type { Mode, Outcome, Policy } from "./model.ts";
import type { ScanState, Scans } from "./scan.ts";
import type { Subject } from "./subject.ts";

/** A policy and the mode in which a cluster acts on it. */
export interface Regime {
  policy: Policy;
  mode: Mode;
}

/** One workload, or ownerless Pod, of the cluster. */
export interface ImpactSubject {
  /** Top owner: `namespace/Kind/name`. */
  owner: string;
  /** What would be judged if it were created again now. */
  subject: Subject;
  /** Its references as written, resolved now. */
  scans: Scans;
  /** Its Pods as they run, by digest. */
  running?: readonly { subject: Subject; scans: Scans }[];
}

/** One image that decides an entry. */
export interface ImpactImage {
  reference: string;
  digest?: string;
  state: ScanState;
  stateReason?: string;
  rules: readonly string[];
  /** Deciding findings, worst first. */
  findings: readonly Finding[];
}

/** One workload on which a change acts. */
export interface ImpactEntry {
  /** `namespace/Kind/name`. */
  owner: string;
  namespace: string;
  before: Outcome;
  after: Outcome;
  /** Rules that ask for the stricter of both, by name. */
  rules: readonly string[];
  images: readonly ImpactImage[];
  /** Whether an attribute that no source knows was decisive or might be. */
  couldNotTell: boolean;
}

/** A finding of a workload that an exemption begins or ceases to take out. */
export interface ExemptionChange {
  owner: string;
  finding: string;
  exemption: string;
}

/** An exemption that is in use and ends soon. */
export interface EndingExemption {
  exemption: string;
  until: string;
  daysLeft: number;
}

/** A workload that time alone will deny. */
export interface FutureDenial {
  owner: string;
  /** First day (from midnight UTC or from now) on which it is denied. */
  on: string;
  rules: readonly string[];
}

export interface Impact {
  at: string;
  before?: { mode: Mode };
  after: { mode: Mode };
  workloads: number;
  /** Denied when next created, and admitted today. The guard counts these. */
  newlyDenied: readonly ImpactEntry[];
  newlyAudited: readonly ImpactEntry[];
  newlyAdmitted: readonly ImpactEntry[];
  /** Denied before and after. */
  stillDenied: number;
  newlyExempt: readonly ExemptionChange[];
  noLongerExempt: readonly ExemptionChange[];
  endingExemptions: readonly EndingExemption[];
  /** Workloads with Pods that run an image which the proposal denies, whatever their template says now. */
  violatesNow: readonly ImpactEntry[];
  /** Images in some rule's scope whose scan is not complete. */
  unscanned: readonly { reference: string; state: ScanState; reason?: string; workloads: number }[];
  couldNotTell: readonly { attribute: string; workloads: number }[];
  byNamespace: readonly { namespace: string; newlyDenied: number }[];
  byRule: readonly { rule: string; newlyDenied: number }[];
  byCve: readonly CveCount[];
  /** Package upgrades, the one that clears most newly denied workloads first. */
  fixes: readonly FixCount[];
  /** What the next `horizonDays` will turn into denials without any change. */
  projection: readonly FutureDenial[];
}

const dayMs = 86_400_000;

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
  { horizonDays = 14 }: { horizonDays?: number } = {},
): Impact {
  const judged = subjects.map((one) => judgeBoth(before, after, one, now));
  const entries = judged.map(({ entry }) => entry);
  const newlyDenied = entries.filter((entry) => entry.after === "deny" && entry.before !== "deny");
  const exemptions = judged.map(({ one, was, willBe }) => exemptionChanges(one.owner, was, willBe));
  return {
    at: new Date(now).toISOString(),
    ...(before === undefined ? {} : { before: { mode: before.mode } }),
    after: { mode: after.mode },
    workloads: subjects.length,
    newlyDenied,
    newlyAudited: entries.filter((entry) => entry.after === "audit" && entry.before === "allow"),
    newlyAdmitted: entries.filter((entry) => entry.before === "deny" && entry.after !== "deny"),
    stillDenied: entries.filter((entry) => entry.before === "deny" && entry.after === "deny").length,
    newlyExempt: exemptions.flatMap(({ gained }) => gained),
    noLongerExempt: exemptions.flatMap(({ lost }) => lost),
    endingExemptions: endingExemptions(
      after.policy,
      judged.map(({ willBe }) => willBe),
      now,
      horizonDays,
    ),
    violatesNow: subjects.flatMap((one) => violations(after, one, now)),
    unscanned: unscanned(judged.map(({ willBe }) => willBe)),
    couldNotTell: count(judged.flatMap(({ willBe }) => [...unknownAttributes(willBe)])).map(
      ([attribute, workloads]) => ({ attribute, workloads }),
    ),
    byNamespace: count(newlyDenied.map(({ namespace }) => namespace)).map(([namespace, n]) => ({
      namespace,
      newlyDenied: n,
    })),
    byRule: count(newlyDenied.flatMap(({ rules }) => rules)).map(([rule, n]) => ({ rule, newlyDenied: n })),
    byCve: countCves(newlyDenied),
    fixes: countFixes(newlyDenied),
    projection:
      after.mode === "deny"
        ? judged.flatMap(({ one, entry }) =>
            entry.after === "deny" ? [] : futureDenial(after, one, now, horizonDays),
          )
        : [],
  };
}

interface Judged {
  one: ImpactSubject;
  was: Decision | undefined;
  willBe: Ruling;
  entry: ImpactEntry;
}

function judgeBoth(before: Regime | undefined, after: Regime, one: ImpactSubject, now: number): Judged {
  const was = before && applyMode(decide(before.policy, one.subject, one.scans, now), before.mode);
  const willBe = applyMode(decide(after.policy, one.subject, one.scans, now), after.mode);
  const action = was?.action ?? "allow";
  return { one, was, willBe, entry: entryOf(one, action, willBe, was) };
}

function entryOf(one: ImpactSubject, before: Outcome, willBe: Ruling, was?: Ruling): ImpactEntry {
  const deciding = before === "deny" && willBe.action !== "deny" && was ? was : willBe;
  const images = deciding.images.filter(({ outcome }) => outcome !== "allow" && outcome === deciding.outcome);
  return {
    owner: one.owner,
    namespace: one.subject.namespace.name,
    before,
    after: willBe.action,
    rules: [...new Set(images.flatMap((image) => decidingRules(image).map(({ rule }) => rule)))].sort(),
    images: images.map(impactImage),
    couldNotTell: unknownAttributes(willBe).size > 0,
  };
}

function decidingRules(image: ImageDecision) {
  return image.rules.filter(({ outcome }) => outcome === image.outcome && outcome !== "allow");
}

function impactImage(image: ImageDecision): ImpactImage {
  const rules = decidingRules(image);
  return {
    reference: image.reference,
    ...(image.digest === undefined ? {} : { digest: image.digest }),
    state: image.state,
    ...(image.stateReason === undefined ? {} : { stateReason: image.stateReason }),
    rules: rules.map(({ rule }) => rule),
    findings: [...new Set(rules.filter(({ matched }) => matched).flatMap(({ findings }) => findings))],
  };
}

function unknownAttributes(decision: Decision): Set<string> {
  const attributes = new Set<string>();
  for (const { rules } of decision.images)
    for (const { outcome, couldNotTell } of rules)
      if (outcome !== "allow") for (const { attribute } of couldNotTell) attributes.add(attribute);
  return attributes;
}

function exemptionChanges(owner: string, was: Decision | undefined, willBe: Decision) {
  const before = setAside(owner, was);
  const after = setAside(owner, willBe);
  return {
    gained: [...after].filter(([key]) => !before.has(key)).map(([, change]) => change),
    lost: was ? [...before].filter(([key]) => !after.has(key)).map(([, change]) => change) : [],
  };
}

function setAside(owner: string, decision: Decision | undefined): Map<string, ExemptionChange> {
  const changes = new Map<string, ExemptionChange>();
  for (const { rules } of decision?.images ?? [])
    for (const rule of rules)
      for (const { finding, by } of rule.setAside)
        if ("exemption" in by)
          changes.set(`${finding} ${by.exemption}`, { owner, finding, exemption: by.exemption });
  return changes;
}

function endingExemptions(
  policy: Policy,
  decisions: readonly Decision[],
  now: number,
  horizonDays: number,
): EndingExemption[] {
  const used = new Set(
    decisions.flatMap(({ exemptions }) =>
      exemptions.filter(({ status }) => status === "used").map(({ exemption }) => exemption),
    ),
  );
  return Object.entries(policy.exemptions)
    .flatMap(([exemption, { until }]) => {
      const end = until === undefined ? undefined : endOf(until);
      if (until === undefined || end === undefined || !used.has(exemption)) return [];
      const daysLeft = daysUntil(end, now);
      return daysLeft <= horizonDays ? [{ exemption, until, daysLeft }] : [];
    })
    .sort((a, b) => a.daysLeft - b.daysLeft || (a.exemption < b.exemption ? -1 : 1));
}

/** Judged as if mode deny ruled, since "violates" is about the rules. */
function violations(after: Regime, one: ImpactSubject, now: number): ImpactEntry[] {
  for (const { subject, scans } of one.running ?? []) {
    const ruling = applyMode(decide(after.policy, subject, scans, now), "deny");
    if (ruling.action === "deny") return [entryOf({ ...one, subject, scans }, "allow", ruling)];
  }
  return [];
}

function unscanned(decisions: readonly Decision[]): Impact["unscanned"] {
  const images = new Map<
    string,
    { reference: string; state: ScanState; reason?: string; workloads: number }
  >();
  for (const decision of decisions)
    for (const { reference, state, stateReason, rules } of decision.images) {
      const asked = rules.some(({ status }) => status === "evaluated" || status === "already-running");
      if (state === "complete" || !asked) continue;
      const known = images.get(reference);
      if (known) known.workloads += 1;
      else
        images.set(reference, {
          reference,
          state,
          ...(stateReason === undefined ? {} : { reason: stateReason }),
          workloads: 1,
        });
    }
  return [...images.values()].sort(
    (a, b) => b.workloads - a.workloads || (a.reference < b.reference ? -1 : 1),
  );
}

/**
 * The first day on which a workload that is admitted now will be denied. Ages and ends only ever add up to more
 * denials (but for an age inside `not`), so the last day is asked first and the first one found by halving.
 */
function futureDenial(after: Regime, one: ImpactSubject, now: number, horizonDays: number): FutureDenial[] {
  const today = Math.floor(now / dayMs) * dayMs;
  const rulesOn = (day: number): string[] => {
    const decision = decide(after.policy, one.subject, one.scans, today + day * dayMs);
    return decision.images
      .flatMap(({ rules }) => rules)
      .filter(({ outcome }) => outcome === "deny")
      .map(({ rule }) => rule);
  };
  if (rulesOn(horizonDays).length === 0) return [];
  let [admitted, denied] = [0, horizonDays];
  while (denied - admitted > 1) {
    const middle = Math.floor((admitted + denied) / 2);
    if (rulesOn(middle).length > 0) denied = middle;
    else admitted = middle;
  }
  const on = new Date(today + denied * dayMs).toISOString().slice(0, 10);
  return [{ owner: one.owner, on, rules: [...new Set(rulesOn(denied))].sort() }];
}

/** How often each value stands in a list, the most frequent first. */
function count(values: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}
