/** What two policies differ in, in words. */
import {
  canonicalJson,
  oneLine,
  type Exemption,
  type Policy,
  type Rule,
  type Scope,
} from "@gatehouse/policy";
import { conditionWords, exemptionWords, ruleWords, scopeWords, stateWords } from "./policy-words.ts";

/** One line for each difference, from `before` to `after`; none when they are the same. */
export function policyDiff(before: Policy, after: Policy): string[] {
  const lines = [
    ...mapDiff("rule", before.rules, after.rules, ruleWords, ruleDiff),
    ...mapDiff("exemption", before.exemptions, after.exemptions, exemptionWords, exemptionDiff),
  ];
  if (!same(before.vex, after.vex))
    lines.push(`VEX: ${before.vex.length} statements before, ${after.vex.length} after`);
  if (before.exemptionHelp !== after.exemptionHelp)
    lines.push(`the help on exemptions is now: ${after.exemptionHelp}`);
  return lines.map((line) => oneLine(line, 1000));
}

function mapDiff<T>(
  what: string,
  before: Readonly<Record<string, T>>,
  after: Readonly<Record<string, T>>,
  words: (value: T) => string,
  changes: (a: T, b: T) => string[],
): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const [a, b] = [before[name], after[name]];
    if (a === undefined) return b === undefined ? [] : [`${what} ${name} added: ${words(b)}`];
    if (b === undefined)
      return [`${what} ${name} removed: it ${what === "rule" ? "" : "took out "}${words(a)}`];
    return same(a, b) ? [] : changes(a, b).map((change) => `${what} ${name}: ${change}`);
  });
}

function ruleDiff(a: Rule, b: Rule): string[] {
  const changes: string[] = [];
  if (a.action !== b.action) changes.push(`action ${a.action} -> ${b.action}`);
  if (a.enabled !== b.enabled) changes.push(b.enabled ? "enabled" : "disabled");
  changed(changes, "applies to", a.where, b.where, scopeWords);
  changed(changes, "except", a.except, b.except, exceptWords);
  changed(changes, "holds for", a.when, b.when, conditionWords);
  changed(changes, "on scans", a.onScan, b.onScan, stateWords);
  changed(changes, "what runs is admitted until", a.running, b.running, (one) => one?.admitUntil ?? "never");
  changed(changes, "description", a.description, b.description, String);
  return changes;
}

function exceptWords(except: Rule["except"]): string {
  const scopes = [except ?? []].flat() as readonly Scope[];
  return scopes.length === 0 ? "nothing" : scopes.map(scopeWords).join(" or ");
}

function exemptionDiff(a: Exemption, b: Exemption): string[] {
  const changes: string[] = [];
  const { reason: _a, owner: _b, ticket: _c, ...effectBefore } = a;
  const { reason: _d, owner: _e, ticket: _f, ...effectAfter } = b;
  if (!same(effectBefore, effectAfter)) changes.push(`${exemptionWords(a)} -> ${exemptionWords(b)}`);
  for (const field of ["reason", "owner", "ticket"] as const)
    changed(changes, field, a[field], b[field], (value) => value ?? "none");
  return changes;
}

function changed<T>(changes: string[], what: string, a: T, b: T, words: (value: T) => string): void {
  if (!same(a, b)) changes.push(`${what} ${words(a)} -> ${words(b)}`);
}

function same(a: unknown, b: unknown): boolean {
  return canonicalJson(a ?? null, "") === canonicalJson(b ?? null, "");
}
