/** What two regimes make of one workload: the part of an impact that needs `decide`. */
import type { Decision, ExemptionResult, ImageDecision, Ruling } from "./decision.ts";
import { applyMode, decide, severer, worst } from "./decide.ts";
import type { Finding } from "./finding.ts";
import type { ExemptionChange, ImpactEntry, ImpactImage, ImpactSubject, Regime } from "./impact-model.ts";
import { impactLimits } from "./impact-model.ts";
import { worstFirst } from "./filter.ts";
import type { Outcome } from "./model.ts";
import type { ScanState, Scans } from "./scan.ts";
import type { Subject } from "./subject.ts";

/** An entry with all its deciding findings, by image, for those who count them. */
export interface DecidedEntry {
  entry: ImpactEntry;
  deciding: readonly (readonly Finding[])[];
}

/** One workload under both regimes. Holds no decision: with many rules those are large. */
export interface ImpactPart extends DecidedEntry {
  newlyExempt: readonly ExemptionChange[];
  noLongerExempt: readonly ExemptionChange[];
  /** Exemptions that the proposal uses here. */
  usedExemptions: readonly string[];
  unscanned: readonly { reference: string; state: ScanState; reason?: string }[];
  couldNotTell: readonly string[];
}

/** Judges one workload under both. Without `before` everything is admitted now. */
export function judgePart(
  before: Regime | undefined,
  after: Regime,
  one: ImpactSubject,
  now: number,
): ImpactPart {
  const subjects = [one.subject, ...(one.also ?? [])];
  const was = before && judgeWorkload(before, subjects, one.scans, now);
  const willBe = judgeWorkload(after, subjects, one.scans, now);
  const action = was?.action ?? "allow";
  const deciding = action === "deny" && willBe.action !== "deny" && was ? was : willBe;
  const hadExempt = exemptionsOf(one.owner, was);
  const hasExempt = exemptionsOf(one.owner, willBe);
  return {
    ...entryOf(one, action, willBe, deciding),
    newlyExempt: without(hasExempt, hadExempt),
    noLongerExempt: without(hadExempt, hasExempt),
    usedExemptions: usedExemptions(willBe),
    unscanned: unscannedOf(willBe.images),
    couldNotTell: [...unknownAttributes(willBe.images)],
  };
}

/** What runs and would be denied. Judged as if mode deny ruled, since "violates" is about the rules. */
export function violation(after: Regime, one: ImpactSubject, now: number): DecidedEntry | undefined {
  const regime: Regime = { ...after, mode: "deny" };
  const denied = (one.running ?? [])
    .map(({ subject, scans }) => judgeWorkload(regime, [subject], scans, now))
    .filter(({ action }) => action === "deny");
  if (denied.length === 0) return undefined;
  const all = applyMode(merge(denied), "deny");
  return entryOf(one, "allow", all, all);
}

/** Rules that deny the workload at a moment, by name; none when it is admitted. */
export function denyingRules(after: Regime, one: ImpactSubject, at: number): string[] {
  const { images } = judgeWorkload(after, [one.subject, ...(one.also ?? [])], one.scans, at);
  const rules = images
    .flatMap((image) => image.rules)
    .filter(({ outcome }) => outcome === "deny")
    .map(({ rule }) => rule);
  return [...new Set(rules)].sort();
}

/**
 * What a regime makes of several subjects that belong to one workload: the worst of them, each image once, as the
 * subject that fares worst with it.
 */
export function judgeWorkload(
  regime: Regime,
  subjects: readonly Subject[],
  scans: Scans,
  now: number,
): Ruling {
  const all = subjects.map((subject) => decide(regime.policy, onRecord(subject, regime), scans, now));
  return applyMode(merge(all), regime.mode);
}

function onRecord(subject: Subject, { running }: Regime): Subject {
  if (running === undefined) return subject;
  const { name } = subject.namespace;
  return { ...subject, running: running.filter(({ namespace }) => namespace === name) };
}

function merge(all: readonly Decision[]): Decision {
  const [first, ...others] = all;
  if (first !== undefined && others.length === 0) return first;
  const images = new Map<string, ImageDecision>();
  for (const image of all.flatMap((decision) => decision.images)) {
    const known = images.get(image.reference);
    if (known === undefined || severer(image.outcome, known.outcome)) images.set(image.reference, image);
  }
  const exemptions = new Map<string, ExemptionResult>();
  for (const result of all.flatMap((decision) => decision.exemptions)) {
    const known = exemptions.get(result.exemption);
    if (known === undefined || rank[result.status] > rank[known.status])
      exemptions.set(result.exemption, result);
  }
  return {
    outcome: worst(all.map(({ outcome }) => outcome)),
    images: [...images.values()],
    exemptions: [...exemptions.values()],
  };
}

/** An exemption that is in use for one of several subjects is in use. */
const rank: Readonly<Record<ExemptionResult["status"], number>> = {
  "out-of-scope": 0,
  expired: 1,
  unused: 2,
  used: 3,
};

function usedExemptions({ exemptions }: Decision): string[] {
  return exemptions.filter(({ status }) => status === "used").map(({ exemption }) => exemption);
}

function entryOf(one: ImpactSubject, before: Outcome, willBe: Ruling, deciding: Ruling): DecidedEntry {
  const images = deciding.images.filter(({ outcome }) => outcome !== "allow" && outcome === deciding.outcome);
  const findings = images.map(decidingFindings);
  return {
    entry: {
      owner: one.owner,
      namespace: one.subject.namespace.name,
      before,
      after: willBe.action,
      rules: [...new Set(images.flatMap((image) => decidingRules(image).map(({ rule }) => rule)))].sort(),
      images: images.map((image, index) => impactImage(image, findings[index] ?? [])),
      couldNotTell: unknownAttributes(willBe.images).size > 0,
    },
    deciding: findings,
  };
}

function decidingRules(image: ImageDecision) {
  return image.rules.filter(({ outcome }) => outcome === image.outcome && outcome !== "allow");
}

function decidingFindings(image: ImageDecision): readonly Finding[] {
  const matched = decidingRules(image).filter((rule) => rule.matched);
  const [first, ...others] = matched;
  if (others.length === 0) return first?.findings ?? [];
  return [...new Set(matched.flatMap(({ findings }) => findings))];
}

function impactImage(image: ImageDecision, findings: readonly Finding[]): ImpactImage {
  return {
    reference: image.reference,
    ...(image.digest === undefined ? {} : { digest: image.digest }),
    state: image.state,
    ...(image.stateReason === undefined ? {} : { stateReason: image.stateReason }),
    rules: decidingRules(image).map(({ rule }) => rule),
    findings: findings.toSorted(worstFirst).slice(0, impactLimits.findings),
    findingCount: findings.length,
  };
}

function unknownAttributes(images: readonly ImageDecision[]): Set<string> {
  const attributes = new Set<string>();
  for (const { rules } of images)
    for (const { outcome, couldNotTell } of rules)
      if (outcome !== "allow") for (const { attribute } of couldNotTell) attributes.add(attribute);
  return attributes;
}

function unscannedOf(images: readonly ImageDecision[]): ImpactPart["unscanned"] {
  return images
    .filter(
      ({ state, rules }) =>
        state !== "complete" &&
        rules.some(({ status }) => status === "evaluated" || status === "already-running"),
    )
    .map(({ reference, state, stateReason }) =>
      stateReason === undefined ? { reference, state } : { reference, state, reason: stateReason },
    );
}

function exemptionsOf(owner: string, judged: Decision | undefined): Map<string, ExemptionChange> {
  const changes = new Map<string, ExemptionChange>();
  const add = (change: Omit<ExemptionChange, "owner">) =>
    changes.set(JSON.stringify(change), { owner, ...change });
  for (const { rules } of judged?.images ?? [])
    for (const { rule, setAside, exemption, state } of rules) {
      for (const { finding, by } of setAside)
        if ("exemption" in by) add({ exemption: by.exemption, finding });
      if (exemption !== undefined) add({ exemption, rule });
      if (state.exemption !== undefined) add({ exemption: state.exemption, rule, state: state.state });
    }
  return changes;
}

function without(
  changes: ReadonlyMap<string, ExemptionChange>,
  others: ReadonlyMap<string, ExemptionChange>,
): ExemptionChange[] {
  return [...changes].filter(([key]) => !others.has(key)).map(([, change]) => change);
}
