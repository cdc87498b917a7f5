/** What the gate makes of every workload, with the reasons, as the dashboard and reports need it. */
import {
  compareSeverity,
  judgeWorkload,
  type Finding,
  type ImageScan,
  type Mode,
  type Outcome,
  type Policy,
  type Ruling,
  type RunningDigests,
  type Scans,
} from "@gatehouse/policy";
import type { Aspect, Background, JudgedWorkload } from "../background.ts";
import type { Verdict } from "../verdict.ts";

/** What judging goes by. */
export interface Regime {
  readonly policy: Policy;
  readonly mode: Mode;
  readonly running: RunningDigests;
}

/** What a rule may ask for when it does not let an image pass. */
export type Asked = Exclude<Outcome, "allow">;

/** Why a verdict is what it is, as little as lists of thousands need. */
export interface Reasons {
  /** Rules that ask for audit or deny; those that deny first. */
  readonly rules: readonly { readonly rule: string; readonly outcome: Asked }[];
  /** Findings by which they do, with the worst that one of them asks for because of it; the worst first. */
  readonly findings: readonly { readonly finding: Finding; readonly outcome: Asked }[];
  /** Exemptions that were used. */
  readonly exemptions: readonly string[];
  /** Exemptions that are about it, used or not. */
  readonly about: readonly string[];
}

/** Verdicts with all that led to them. The background keeps the bare ones, so the rest is judged again for who looks. */
export interface Survey {
  /** Judges one workload again, now. Undefined while one of its images was never looked up, or it has no such aspect. */
  ruling(one: JudgedWorkload, aspect: Aspect): { ruling: Ruling; scans: Scans } | undefined;
  /** Why; remembered for as long as the verdict is the same one. */
  reasons(one: JudgedWorkload, aspect: Aspect): Reasons | undefined;
}

/** A survey over what the observer holds. */
export function createSurvey(options: {
  background: () => Pick<Background, "scan"> | undefined;
  regime: () => Regime;
  now: () => number;
}): Survey {
  const known = new WeakMap<Verdict, Reasons>();

  function ruling(one: JudgedWorkload, aspect: Aspect): ReturnType<Survey["ruling"]> {
    const { subjects } = one;
    const judged = aspect === "written" ? subjects.written : subjects.running.map(({ subject }) => subject);
    const background = options.background();
    if (background === undefined || judged.length === 0) return undefined;
    const scans = new Map<string, ImageScan>();
    for (const { images } of judged)
      for (const { reference } of images) {
        const scan = background.scan(subjects, reference);
        if (scan === undefined) return undefined;
        scans.set(reference, scan);
      }
    return { ruling: judgeWorkload(options.regime(), judged, scans, options.now()), scans };
  }

  return {
    ruling,
    reasons(one, aspect) {
      const verdict = one[aspect];
      if (verdict === undefined) return undefined;
      const remembered = known.get(verdict);
      if (remembered !== undefined) return remembered;
      const judged = ruling(one, aspect);
      if (judged === undefined) return undefined;
      const reasons = reasonsOf(judged.ruling);
      known.set(verdict, reasons);
      return reasons;
    },
  };
}

/** Why a ruling is what it is. */
export function reasonsOf({ images, exemptions }: Ruling): Reasons {
  const rules = new Map<string, Asked>();
  const findings = new Map<Finding, Asked>();
  for (const image of images)
    for (const { rule, outcome, findings: found } of image.rules) {
      if (outcome === "allow") continue;
      worsen(rules, rule, outcome);
      for (const finding of found) worsen(findings, finding, outcome);
    }
  const named = (...statuses: readonly string[]) =>
    exemptions.filter(({ status }) => statuses.includes(status)).map(({ exemption }) => exemption);
  return {
    rules: [...rules]
      .map(([rule, outcome]) => ({ rule, outcome }))
      .sort((a, b) => byAsked(a.outcome, b.outcome) || (a.rule < b.rule ? -1 : 1)),
    findings: [...findings]
      .map(([finding, outcome]) => ({ finding, outcome }))
      .sort(
        (a, b) =>
          byAsked(a.outcome, b.outcome) ||
          compareSeverity(a.finding.severity, b.finding.severity) ||
          (a.finding.id < b.finding.id ? -1 : 1),
      ),
    exemptions: named("used"),
    about: named("used", "unused"),
  };
}

function worsen<K>(all: Map<K, Asked>, key: K, outcome: Asked): void {
  if (all.get(key) !== "deny") all.set(key, outcome);
}

function byAsked(a: Asked, b: Asked): number {
  return a === b ? 0 : a === "deny" ? -1 : 1;
}
