import type { CompiledPolicy, CompiledRule } from "./compile.ts";
import type { ConditionInput } from "./condition.ts";
import type { CouldNotTell, RuleResult, SetAside } from "./decision.ts";
import type { ActiveExemptions } from "./exemptions.ts";
import { formatRepository } from "./image-reference.ts";
import { severer, worse } from "./outcome.ts";
import { completeScan, ruleResult, silenceOver, type Silence } from "./rule-result.ts";
import type { IncompleteState, PlatformScan } from "./scan.ts";
import type { BoundScope, ImageFacts } from "./scope.ts";
import { distinct, withoutSetAside, type Excuses } from "./set-aside.ts";
import type { Subject } from "./subject.ts";

/** A rule whose scopes know the subject. */
export interface BoundRule {
  rule: CompiledRule;
  where: BoundScope;
  except: readonly BoundScope[];
}

const nothing: readonly never[] = [];

/** Binds a rule's scopes to a subject. */
export function bindRule(rule: CompiledRule, subject: Subject): BoundRule {
  const except = rule.except.length === 0 ? nothing : rule.except.map((scope) => scope(subject));
  return { rule, where: rule.where(subject), except };
}

/** One image of one platform before all rules, one after another; what concerns only the rule under way is reset. */
interface Hearing extends ConditionInput, Excuses {
  readonly subject: Subject;
  readonly silence: Silence;
  readonly note: (attribute: string) => void;
  rule: string;
  unknown: readonly CouldNotTell[];
  setAside: readonly SetAside[];
}

/** What a hearing is about. */
export interface Heard {
  policy: CompiledPolicy;
  subject: Subject;
  facts: ImageFacts;
  scan: PlatformScan;
  exemptions: ActiveExemptions;
  /** Milliseconds since the epoch. */
  now: number;
}

/** What each rule makes of one image of one platform, in the order of the rules. */
export function hear(rules: readonly BoundRule[], about: Heard): RuleResult[] {
  const hearing = open(about);
  return rules.map((rule) => judge(rule, hearing));
}

function open({ policy, subject, facts, scan, exemptions, now }: Heard): Hearing {
  const hearing: Hearing = {
    policy,
    subject,
    facts,
    scan,
    exemptions,
    now,
    memory: policy.memory(scan.report.findings),
    silence: silenceOver(policy, scan),
    rule: "",
    unknown: nothing,
    setAside: nothing,
    note: (attribute) => {
      hearing.unknown = [...hearing.unknown, { attribute }];
    },
    remaining(counted) {
      const { findings, setAside } = withoutSetAside(counted, hearing.rule, hearing);
      if (setAside.length > 0) hearing.setAside = distinct([...hearing.setAside, ...setAside]);
      return findings;
    },
  };
  return hearing;
}

function judge({ rule, where, except }: BoundRule, hearing: Hearing): RuleResult {
  const { facts, scan, exemptions, silence } = hearing;
  hearing.rule = rule.name;
  hearing.unknown = nothing;
  hearing.setAside = nothing;
  if (!rule.enabled) return silence(rule, "disabled");
  if (where(facts, hearing.note) === false) return silence(rule, "out-of-scope");
  for (const scope of except) if (scope(facts, hearing.note) === true) return silence(rule, "excepted");
  const whole = exemptions.whole(rule.name);
  if (whole !== undefined) return { ...silence(rule, "exempt"), exemption: whole };

  const { holds, findings, couldNotTell } = rule.when(hearing);
  if (!holds && findings.length === 0 && couldNotTell.length === 0 && scan.report.state === "complete")
    if (hearing.unknown.length === 0 && hearing.setAside.length === 0) return silence(rule, "evaluated");
  const byState = stateOutcome(rule, scan, exemptions);
  const asked = worse(holds ? rule.action : "allow", byState.outcome);
  const outcome = severer(asked, rule.action) ? rule.action : asked;
  const running = outcome === "deny" && rule.admitsRunning(hearing.now) && isRunning(hearing.subject, facts);
  return ruleResult(rule, scan, {
    outcome: running ? "audit" : outcome,
    status: running ? "already-running" : "evaluated",
    matched: holds,
    state: byState,
    findings,
    setAside: hearing.setAside,
    couldNotTell: hearing.unknown.length === 0 ? couldNotTell : [...hearing.unknown, ...couldNotTell],
  });
}

function stateOutcome(
  rule: CompiledRule,
  { report: { state } }: PlatformScan,
  exemptions: ActiveExemptions,
): RuleResult["state"] {
  if (state === "complete") return completeScan;
  const outcome = rule.onScan[state as IncompleteState];
  if (outcome === "allow") return { state, outcome };
  const exemption = exemptions.state(rule.name, state);
  return exemption === undefined ? { state, outcome } : { state, outcome: "allow", exemption };
}

function isRunning(subject: Subject, { reference, digest, platformDigest }: ImageFacts): boolean {
  if (reference === undefined) return false;
  const repository = formatRepository(reference);
  return (subject.running ?? []).some(
    (entry) =>
      entry.repository === repository &&
      [digest, platformDigest].some((known) => known !== undefined && entry.digests.includes(known)),
  );
}
