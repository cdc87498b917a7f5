import type { Finding } from "./finding.ts";
import type { RunningDigests } from "./gate-config.ts";
import type { CveCount, FixCount } from "./impact-findings.ts";
import type { Mode, Outcome, Policy } from "./model.ts";
import type { ScanState, Scans } from "./scan.ts";
import type { Subject } from "./subject.ts";

/** A policy and the mode in which a cluster acts on it. */
export interface Regime {
  policy: Policy;
  mode: Mode;
  /** Digests on record as running, for `running: { admitUntil }`. Absent: what each subject says itself. */
  running?: RunningDigests;
}

/** One workload, or ownerless Pod, of the cluster. */
export interface ImpactSubject {
  /** Top owner: `namespace/Kind/name`. */
  owner: string;
  /** What would be judged if it were created again now. */
  subject: Subject;
  /** What would be judged after it: Pods as its controller makes them, where a rule may see another thing in them. */
  also?: readonly Subject[];
  /** References of all of these as written, resolved now. */
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
  /** Deciding findings, worst first; at most {@link impactLimits}. */
  findings: readonly Finding[];
  /** How many findings decide, shown or not. */
  findingCount: number;
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

/**
 * Something of a workload that an exemption begins or ceases to take out: a finding, a rule as a whole (`rule`
 * alone), or what a rule makes of a scan state (`rule` and `state`).
 */
export interface ExemptionChange {
  owner: string;
  exemption: string;
  finding?: string;
  rule?: string;
  state?: ScanState;
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
  /** First day, UTC, in the course of which it begins to be denied. */
  on: string;
  rules: readonly string[];
}

/** What a change would do. Plain data, the same in JSON. */
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

/** Most of each that an impact lists; the counts beside them are of all. */
export const impactLimits = {
  /** Deciding findings of one image of one entry. */
  findings: 10,
} as const;

/** Lists without which nothing can be said of an impact. */
const lists = ["newlyDenied", "newlyAudited", "newlyAdmitted", "violatesNow", "unscanned", "fixes"] as const;

/**
 * An impact from the observer's answer.
 *
 * @throws Error when it is none
 */
export function readImpact(text: string): Impact {
  const value: unknown = JSON.parse(text);
  const isImpact =
    typeof value === "object" &&
    value !== null &&
    lists.every((list) => Array.isArray((value as Record<string, unknown>)[list]));
  if (!isImpact) throw new Error("the observer is of another version, whose impact cannot be read");
  return value as Impact;
}
