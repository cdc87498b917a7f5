import { compileCondition } from "./condition.ts";
import type { ConditionMatcher } from "./condition.ts";
import { endOf } from "./deadline.ts";
import { compileExemption, indexExemptions, mayTakeOut } from "./exemptions.ts";
import type { ExemptionIndex } from "./exemptions.ts";
import type { MatchMemory, NextPlace } from "./filter.ts";
import type { Finding } from "./finding.ts";
import type { Policy, Rule, RuleAction, StateActions, VexStatement } from "./model.ts";
import type { ImageFacts, ScopeMatcher } from "./scope.ts";
import { compileScope } from "./scope.ts";
import { vexIndex } from "./vex.ts";

/** A rule ready to be asked. */
export interface CompiledRule {
  name: string;
  /** Its place among the policy's rules. */
  index: number;
  action: RuleAction;
  enabled: boolean;
  where: ScopeMatcher;
  except: readonly ScopeMatcher[];
  when: ConditionMatcher;
  onScan: StateActions;
  /** Whether digests on record as running are let through at this moment. */
  admitsRunning(now: number): boolean;
}

/** A policy ready to be asked. */
export interface CompiledPolicy {
  rules: readonly CompiledRule[];
  exemptions: ExemptionIndex;
  hasVex: boolean;
  /** What the policy's filters have made of a list of findings before. */
  memory(findings: readonly Finding[]): MatchMemory;
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
  );
  const vex = vexIndex(policy.vex);
  let places = 0;
  const place = () => places++;
  const result: CompiledPolicy = {
    rules: byName(policy.rules).map(([name, rule], index) => compileRule(name, rule, index, place)),
    exemptions,
    memory: forEach<MatchMemory>(() => []),
    hasVex: policy.vex.length > 0,
    excusable: forEach((findings) => {
      const excusable = findings.filter((one) => mayTakeOut(exemptions, one) || vex.mentions(one));
      return excusable.length === 0 ? nobody : new Set(excusable);
    }),
    vex,
  };
  compiled.set(policy, result);
  return result;
}

function compileRule(name: string, rule: Rule, index: number, place: NextPlace): CompiledRule {
  const runningUntil = rule.running === undefined ? 0 : (endOf(rule.running.admitUntil) ?? 0);
  return {
    name,
    index,
    action: rule.action,
    enabled: rule.enabled,
    where: compileScope(rule.where ?? {}),
    except: rule.except === undefined ? [] : [rule.except].flat().map(compileScope),
    when: compileCondition(rule.when, place),
    onScan: rule.onScan,
    admitsRunning: (now) => now < runningUntil,
  };
}

/** Of most reports. */
const nobody: ReadonlySet<Finding> = new Set();

/** Lists of findings are shared and do not change: what is made of one is made once, and goes when the list goes. */
function forEach<T>(make: (findings: readonly Finding[]) => T): (findings: readonly Finding[]) => T {
  const known = new WeakMap<readonly Finding[], T>();
  return (findings) => {
    let made = known.get(findings);
    if (made === undefined) {
      made = make(findings);
      known.set(findings, made);
    }
    return made;
  };
}

/** In the order of their names, as in the canonical JSON form: what is decided depends on nothing else. */
function byName<T>(entries: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(entries).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
