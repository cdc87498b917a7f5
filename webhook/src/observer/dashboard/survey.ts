/** What the gate makes of every workload, with the reasons, as the dashboard and reports need it. */
import {
  judgeWorkload,
  type Finding,
  type ImageScan,
  type Mode,
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

/** Why a verdict is what it is, as little as lists of thousands need. */
export interface Reasons {
  /** Rules that ask for audit or deny. */
  readonly rules: readonly string[];
  /** Findings by which they do. */
  readonly findings: readonly Finding[];
  /** Exemptions that were used. */
  readonly exemptions: readonly string[];
  /** Exemptions that are about it, used or not. */
  readonly about: readonly string[];
}

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
  const rules = new Set<string>();
  const findings = new Set<Finding>();
  for (const image of images)
    for (const result of image.rules) {
      if (result.outcome === "allow") continue;
      rules.add(result.rule);
      for (const finding of result.findings) findings.add(finding);
    }
  const named = (...statuses: readonly string[]) =>
    exemptions.filter(({ status }) => statuses.includes(status)).map(({ exemption }) => exemption);
  return {
    rules: [...rules].sort(),
    findings: [...findings],
    exemptions: named("used"),
    about: named("used", "unused"),
  };
}
