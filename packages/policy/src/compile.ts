import { compileCondition } from "./condition.ts";
import type { ConditionMatcher } from "./condition.ts";
import { endOf } from "./deadline.ts";
import { compileExemption, exactIds, indexExemptions, mayTakeOut } from "./exemptions.ts";
import type { ExemptionIndex } from "./exemptions.ts";
import type { Finding } from "./finding.ts";
import type { Exemption, Policy, Rule, RuleAction, StateActions, VexStatement } from "./model.ts";
import type { ImageFacts, ScopeMatcher } from "./scope.ts";
import { compileScope } from "./scope.ts";
import { vexIndex } from "./vex.ts";

export interface CompiledRule {
  name: string;
  action: RuleAction;
  enabled: boolean;
  where: ScopeMatcher;
  except: readonly ScopeMatcher[];
  when: ConditionMatcher;
  onScan: StateActions;
  /** Whether digests on record as running are let through at this moment. */
  admitsRunning(now: number): boolean;
}

export interface CompiledPolicy {
  rules: readonly CompiledRule[];
  exemptions: ExemptionIndex;
  hasVex: boolean;
  /** Those of a report's findings that some exemption or VEX statement might take out, wherever it applies. */
  excusable(findings: readonly Finding[]): ReadonlySet<Finding>;
  /** The statement that takes the finding out of this image, if any. */
  vex(finding: Finding, image: ImageFacts): VexStatement | undefined;
}

const compiled = new WeakMap<Policy, CompiledPolicy>();

/** Turns a policy's data into functions, once for each policy object. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  const known = compiled.get(policy);
  if (known) return known;
  const exemptions = indexExemptions(
    byName(policy.exemptions).map(([name, exemption], index) => compileExemption(name, exemption, index)),
    (name) => exactIds(policy.exemptions[name] as Exemption),
  );
  const vex = vexIndex(policy.vex);
  const result: CompiledPolicy = {
    rules: byName(policy.rules).map(([name, rule]) => compileRule(name, rule)),
    exemptions,
    hasVex: policy.vex.length > 0,
    excusable: rememberExcusable((finding) => mayTakeOut(exemptions, finding) || vex.mentions(finding)),
    vex,
  };
  compiled.set(policy, result);
  return result;
}

function compileRule(name: string, rule: Rule): CompiledRule {
  const runningUntil = rule.running === undefined ? 0 : (endOf(rule.running.admitUntil) ?? 0);
  return {
    name,
    action: rule.action,
    enabled: rule.enabled,
    where: compileScope(rule.where ?? {}),
    except: rule.except === undefined ? [] : [rule.except].flat().map(compileScope),
    when: compileCondition(rule.when),
    onScan: rule.onScan,
    admitsRunning: (now) => now < runningUntil,
  };
}

/** Few findings of a report are anybody's exception, and lists of findings do not change: found once for each. */
function rememberExcusable(may: (finding: Finding) => boolean): CompiledPolicy["excusable"] {
  const known = new WeakMap<readonly Finding[], ReadonlySet<Finding>>();
  return (findings) => {
    let excusable = known.get(findings);
    if (excusable === undefined) {
      excusable = new Set(findings.filter(may));
      known.set(findings, excusable);
    }
    return excusable;
  };
}

/** In the order of their names, as in the canonical JSON form: what is decided depends on nothing else. */
function byName<T>(entries: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(entries).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
