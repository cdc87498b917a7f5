import type { Finding } from "./finding.ts";
import type { Mode, Outcome, RuleAction } from "./model.ts";
import type { Platform, ScanState, ReportTrust } from "./scan.ts";

/** Why something could not be told: the attribute that was needed and is not known. */
export interface CouldNotTell {
  /** `severity`, `cvss`, `fix`, `namespace.labels`, `workload`, … */
  attribute: string;
  /** Finding id, where it is about one. */
  finding?: string;
}

/** A finding that did not count, and why. */
export interface SetAside {
  finding: string;
  package?: string;
  by: { exemption: string } | { vex: string; justification?: string };
}

/** What one rule made of one image. Every rule of the policy has one, matched or not. */
export interface RuleResult {
  rule: string;
  action: RuleAction;
  /** What the rule asks for; `allow` when it does not apply. */
  outcome: Outcome;
  /** Why: the scope kept it away, it is disabled, it is exempt in full, or it was evaluated. */
  status: "disabled" | "out-of-scope" | "excepted" | "exempt" | "already-running" | "evaluated";
  /** Name of the exemption when `status` is `exempt`. */
  exemption?: string;
  /** Whether the condition held. */
  matched: boolean;
  /** The scan state's part of the outcome. */
  state: { state: ScanState; outcome: Outcome; exemption?: string };
  /** Findings that made the condition hold, worst first. */
  findings: readonly Finding[];
  setAside: readonly SetAside[];
  couldNotTell: readonly CouldNotTell[];
  /** Platform whose report decided. */
  platform?: Platform;
}

/** What became of one image reference of the subject. */
export interface ImageDecision {
  reference: string;
  /** Every place that names it. */
  paths: readonly string[];
  digest?: string;
  /** The platform that was worst, when the image has several. */
  platform?: Platform;
  state: ScanState;
  stateReason?: string;
  source: string;
  trust: ReportTrust;
  scannedAt?: string;
  findingCount: number;
  outcome: Outcome;
  rules: readonly RuleResult[];
}

/** How an exemption of the policy fared in this decision. */
export interface ExemptionResult {
  exemption: string;
  status: "used" | "unused" | "out-of-scope" | "expired";
  /** Whole days until it ends; absent when permanent. Negative once expired. */
  daysLeft?: number;
}

/** What `decide` says. It knows no mode: `applyMode` caps it, in one place, last. */
export interface Decision {
  outcome: Outcome;
  images: readonly ImageDecision[];
  exemptions: readonly ExemptionResult[];
}

/** A decision as a cluster acts on it. */
export interface Ruling extends Decision {
  mode: Mode;
  /** What happens. */
  action: Outcome;
  /** What mode deny would have done. */
  inDenyMode: Outcome;
}
