import {
  canonicalJson,
  endOf,
  outcomes,
  type Exemption,
  type Policy,
  type Regime,
  type Rule,
} from "@gatehouse/policy";

/**
 * Why a change of policy or mode might deny what was admitted before; empty when it certainly does not. It compares
 * texts and not sets of images, so it may name a change that denies nothing: who is told "might" asks for the impact.
 *
 * @param before what is in force; undefined when that is nothing, or not known
 */
export function widenings(before: Regime | undefined, after: Regime): string[] {
  if (after.mode === "audit") return [];
  const rules = denying(after.policy);
  if (before === undefined || before.mode === "audit")
    return rules.map(([name]) => `rule ${name} would deny, and nothing is known to deny yet`);
  const old = new Map(denying(before.policy));
  const found = rules.flatMap(([name, rule]) => {
    const was = old.get(name);
    return was === undefined ? [`rule ${name} did not deny before`] : ruleWidenings(name, was, rule);
  });
  // Without a rule that denies, what an exemption or a statement takes out makes no difference.
  return rules.length === 0
    ? []
    : [...found, ...lostExemptions(before.policy, after.policy), ...lostVex(before, after)];
}

/** Whether anything can be denied at all. */
export function mayDeny({ mode, policy }: Regime): boolean {
  return mode === "deny" && denying(policy).length > 0;
}

/** Rules that may deny: enabled, and with that action. */
function denying(policy: Policy): [string, Rule][] {
  return Object.entries(policy.rules).filter(([, rule]) => rule.enabled && rule.action === "deny");
}

function ruleWidenings(name: string, was: Rule, rule: Rule): string[] {
  const found: string[] = [];
  if (!same(was.when, rule.when)) found.push(`rule ${name} has another condition`);
  if (!same(was.where, rule.where)) found.push(`rule ${name} has another scope`);
  const kept = list(rule.except).map(text);
  if (list(was.except).some((scope) => !kept.includes(text(scope))))
    found.push(`rule ${name} leaves less out of its scope`);
  for (const [state, outcome] of Object.entries(rule.onScan))
    if (outcomes.indexOf(outcome) > outcomes.indexOf(was.onScan[state as keyof Rule["onScan"]]))
      found.push(`rule ${name} is stricter about scan state ${state}`);
  if (was.running !== undefined && !lastsAsLong(was.running.admitUntil, rule.running?.admitUntil))
    found.push(`rule ${name} admits what runs for a shorter time`);
  return found;
}

function lostExemptions(before: Policy, after: Policy): string[] {
  return Object.entries(before.exemptions).flatMap(([name, was]) => {
    const now = after.exemptions[name];
    if (now === undefined) return [`exemption ${name} is gone`];
    if (!same(essence(was), essence(now))) return [`exemption ${name} is about something else`];
    return now.permanent === true || (was.permanent !== true && lastsAsLong(was.until, now.until))
      ? []
      : [`exemption ${name} ends sooner`];
  });
}

/** What an exemption takes out, without who answers for it and until when. */
function essence(exemption: Exemption): unknown {
  const aside = new Set<string>(["reason", "owner", "ticket", "until", "permanent"]);
  return Object.fromEntries(Object.entries(exemption).filter(([field]) => !aside.has(field)));
}

function lostVex(before: Regime, after: Regime): string[] {
  const kept = new Set(after.policy.vex.map(text));
  return before.policy.vex
    .filter((statement) => !kept.has(text(statement)))
    .map(
      ({ vulnerability, document }) =>
        `the VEX statement on ${vulnerability} of ${document} is gone or changed`,
    );
}

function lastsAsLong(was: string | undefined, now: string | undefined): boolean {
  const [before, after] = [was, now].map((date) => (date === undefined ? undefined : endOf(date)));
  return before === undefined || (after !== undefined && after >= before);
}

function list<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function text(value: unknown): string {
  return canonicalJson(value);
}

function same(a: unknown, b: unknown): boolean {
  return a === undefined || b === undefined ? a === b : text(a) === text(b);
}
