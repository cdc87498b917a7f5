import { endOf } from "./deadline.ts";
import type { Exemption, Policy, Rule, Scope } from "./model.ts";
import type { CommandCode } from "./codes.ts";
import { requesterChosen } from "./policy-problems.ts";
import type { Problem } from "./problems.ts";

/** Something that is probably not meant, with the code of its kind. */
export interface PolicyWarning extends Problem {
  code: CommandCode;
}

/** Facts that whoever creates an object cannot choose without changing what runs, or where. */
const fixed = [
  "cluster",
  "namespace",
  "registry",
  "repository",
  "image",
  "digest",
] as const satisfies readonly (keyof Scope)[];

/**
 * What is valid in a policy and yet probably not meant: each with its place and the reason. None of it changes a
 * verdict.
 *
 * @param now milliseconds since the epoch, for exemptions that have ended
 */
export function policyWarnings(policy: Policy, now: number): PolicyWarning[] {
  const rules = Object.entries(policy.rules);
  const warnings = rules.flatMap(([name, rule]) => ruleWarnings(`rules.${name}`, rule));
  if (!rules.some(([, { enabled }]) => enabled))
    warnings.push({
      code: "GH3046",
      path: "rules",
      problem: "no rule is enabled, so everything is admitted",
    });
  for (const [name, exemption] of Object.entries(policy.exemptions))
    warnings.push(...exemptionWarnings(`exemptions.${name}`, exemption, policy, now));
  return warnings;
}

function ruleWarnings(path: string, rule: Rule): PolicyWarning[] {
  if (rule.action !== "deny") return [];
  const warnings: PolicyWarning[] = [];
  const exceptions = [rule.except ?? []].flat() as readonly Scope[];
  for (const [index, scope] of exceptions.entries()) {
    const facts = requesterChosen(scope);
    if (facts.length > 0 && !fixed.some((fact) => scope[fact] !== undefined))
      warnings.push({
        code: "GH3041",
        path: Array.isArray(rule.except) ? `${path}.except.${index}` : `${path}.except`,
        problem: `whoever creates an object chooses its ${list(facts)}, and so whether this rule applies; name a namespace or an image besides`,
      });
  }
  const asked = requesterChosen(rule.where);
  if (asked.length > 0)
    warnings.push({
      code: "GH3041",
      path: `${path}.where`,
      problem: `whoever creates an object chooses its ${list(asked)}, and so can keep out of this rule`,
    });
  for (const [index, scope] of exceptions.entries())
    warnings.push(
      ...tagWarnings(Array.isArray(rule.except) ? `${path}.except.${index}` : `${path}.except`, scope),
    );
  for (const state of ["absent", "unsupported", "unavailable"] as const)
    if (rule.onScan[state] === "allow")
      warnings.push({
        code: "GH3043",
        path: `${path}.onScan.${state}`,
        problem: `an image whose scan is ${state} passes this rule without a word`,
      });
  return warnings;
}

function exemptionWarnings(path: string, exemption: Exemption, policy: Policy, now: number): PolicyWarning[] {
  const { until, rules, cves, packages, states, untilFixed, where } = exemption;
  const warnings: PolicyWarning[] = [];
  const end = until === undefined ? undefined : endOf(until);
  if (end !== undefined && now >= end)
    warnings.push({
      code: "GH3044",
      path,
      problem: `ended on ${until} and does nothing any more; take it out`,
    });
  const covered = rules?.filter((name) => policy.rules[name]?.enabled !== true) ?? [];
  if (rules !== undefined && covered.length === rules.length)
    warnings.push({
      code: "GH3044",
      path: `${path}.rules`,
      problem: `${list(covered)}: disabled, so there is nothing to exempt`,
    });
  warnings.push(...tagWarnings(`${path}.where`, where));
  const narrow = cves ?? packages ?? states ?? untilFixed;
  if (narrow === undefined && !fixed.some((fact) => where?.[fact] !== undefined))
    warnings.push({
      code: "GH3045",
      path,
      problem: "frees every image from its rules, in every namespace; name CVEs, packages, states or a scope",
    });
  return warnings;
}

/** What lets an image off by its tag: whoever may push to the repository says what that is, and changes it at will. */
function tagWarnings(path: string, scope: Scope | undefined): PolicyWarning[] {
  return [scope?.image ?? []]
    .flat()
    .filter(namesTag)
    .map((pattern) => ({
      code: "GH3042",
      path: `${path}.image`,
      problem: `"${pattern}" names a tag, which whoever may push can move to another image; name the digest`,
    }));
}

/** Whether a pattern ends in a tag, not in a port nor in a digest. */
function namesTag(pattern: string): boolean {
  return /^[^!@]*[/*][^@]*:[^/@]+$/.test(pattern);
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
