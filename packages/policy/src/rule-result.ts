import type { CompiledPolicy, CompiledRule } from "./compile.ts";
import type { RuleResult } from "./decision.ts";
import type { PlatformScan } from "./scan.ts";

/** A rule's result for the platform of a scan. */
export function ruleResult(
  { name, action }: CompiledRule,
  { platform }: PlatformScan,
  made: Omit<RuleResult, "rule" | "action" | "platform">,
): RuleResult {
  return platform === undefined ? { rule: name, action, ...made } : { rule: name, action, ...made, platform };
}

type Status = RuleResult["status"];

/** Gives the result of rules that have nothing to say. */
export type Silence = (rule: CompiledRule, status: Status) => RuleResult;

/** The part of a scan that is complete. */
export const completeScan: RuleResult["state"] = { state: "complete", outcome: "allow" };

const nothing: readonly never[] = [];
const silent = {
  outcome: "allow",
  matched: false,
  findings: nothing,
  setAside: nothing,
  couldNotTell: nothing,
} as const;

/** Results of one platform: for each status one of each rule. */
type Silences = Partial<Record<Status, RuleResult[]>>;

const silences = new WeakMap<CompiledPolicy, Map<string | undefined, Silences>>();
/** More platforms than any cluster has; an index can name whatever it likes. */
const mostPlatforms = 16;

/**
 * Most rules have nothing to say of most images, and a decision has hundreds of such results: where the scan is
 * complete each is made once.
 */
export function silenceOver(policy: CompiledPolicy, scan: PlatformScan): Silence {
  const { state } = scan.report;
  if (state !== "complete")
    return (rule, status) =>
      ruleResult(rule, scan, { ...silent, status, state: { state, outcome: "allow" } });
  const known = silencesOf(policy, scan.platform);
  return (rule, status) => {
    const ofStatus = (known[status] ??= []);
    return (ofStatus[rule.index] ??= ruleResult(rule, scan, { ...silent, status, state: completeScan }));
  };
}

function silencesOf(policy: CompiledPolicy, platform: string | undefined): Silences {
  let ofPolicy = silences.get(policy);
  if (ofPolicy === undefined) {
    ofPolicy = new Map();
    silences.set(policy, ofPolicy);
  }
  let ofPlatform = ofPolicy.get(platform);
  if (ofPlatform === undefined) {
    if (ofPolicy.size >= mostPlatforms) ofPolicy.clear();
    ofPlatform = {};
    ofPolicy.set(platform, ofPlatform);
  }
  return ofPlatform;
}
