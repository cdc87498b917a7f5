/** What no schema can say of a policy: what its parts mean together. */
import type { Condition, FindingAttributes, Patterns, Policy, Scope } from "./model.ts";
import type { Problem } from "./problems.ts";
import { namespaceScope } from "./scope.ts";

/** Everything that is wrong with a policy of the right shape, each with its place. */
export function policyProblems(policy: Policy): Problem[] {
  const problems: Problem[] = [];
  const add = (path: string, problem: string) => problems.push({ path, problem });
  const rules = Object.keys(policy.rules);
  if (rules.length === 0) add("rules", "a policy without rules admits everything; write at least one");
  for (const [name, rule] of Object.entries(policy.rules)) {
    const path = `rules.${name}`;
    for (const [state, outcome] of Object.entries(rule.onScan))
      if (rule.action === "audit" && outcome !== "audit")
        add(
          `${path}.onScan.${state}`,
          `an audit rule audits every scan that is not complete; expected "audit", got "${outcome}"`,
        );
    problems.push(...scopeProblems(`${path}.where`, rule.where));
    [rule.except ?? []].flat().forEach((except, index) => {
      problems.push(...scopeProblems(`${path}.except.${index}`, except));
      if (isEmptyScope(except))
        add(`${path}.except.${index}`, "an empty scope excepts everything; name what it is about");
    });
    problems.push(...conditionProblems(`${path}.when`, rule.when));
  }
  for (const [name, exemption] of Object.entries(policy.exemptions)) {
    const path = `exemptions.${name}`;
    problems.push(...exemptionProblems(path, exemption));
    for (const unknown of (exemption.rules ?? []).filter((rule) => !rules.includes(rule)))
      add(`${path}.rules`, `there is no rule "${unknown}"; the rules are ${rules.join(", ")}`);
  }
  return problems;
}

/** What is wrong with an exemption beyond its shape. */
function exemptionProblems(path: string, exemption: Policy["exemptions"][string]): Problem[] {
  const problems = scopeProblems(`${path}.where`, exemption.where);
  const add = (problem: string) => problems.push({ path, problem });
  if ((exemption.until === undefined) === (exemption.permanent === undefined))
    add('say when it ends: until: "2027-01-31", or permanent: true; exactly one of them');
  const { where, cves, packages, states, rules } = exemption;
  if (isEmptyScope(where ?? {}) && !cves && !packages && !states && !rules)
    add("it exempts everything from every rule; name a scope, CVEs, packages, states or rules");
  const chosen = requesterChosen(where);
  const names = cves ?? where?.image ?? where?.digest ?? where?.repository;
  if (chosen.length > 0 && (names === undefined || matchesAnything(names)))
    add(
      `${chosen.join(" and ")} can be chosen by whoever deploys; also name an image, repository, digest or CVE`,
    );
  return problems;
}

/** The fields of a scope whose values the requester chooses. */
export function requesterChosen(scope: Scope | undefined): string[] {
  return (["pod", "labels", "workload"] as const).filter((field) => scope?.[field] !== undefined);
}

function matchesAnything(patterns: Patterns): boolean {
  const positive = [patterns].flat().filter((pattern) => !pattern.startsWith("!"));
  return positive.length === 0 || positive.includes("*");
}

function isEmptyScope(scope: Scope): boolean {
  const { cluster = {}, namespace, workload = {}, labels = {}, ...rest } = scope;
  const nested = [cluster, namespaceScope(namespace), workload, labels];
  return (
    Object.values(rest).every((value) => value === undefined) &&
    nested.every((fields) => Object.values(fields).every((value) => value === undefined))
  );
}

/** An image pattern that no whole reference can match would make a rule apply to nothing, unseen. */
function scopeProblems(path: string, scope: Scope | undefined): Problem[] {
  return [scope?.image ?? []].flat().flatMap((pattern) => {
    const text = pattern.replace(/^!/, "");
    const host = text.split("/")[0] ?? "";
    const whole =
      text.startsWith("*") || host.endsWith("*") || (text.includes("/") && /[.:]|^localhost$/.test(host));
    return whole
      ? []
      : [
          {
            path: `${path}.image`,
            problem: `"${pattern}" names no registry and would match nothing; write docker.io/library/nginx or */nginx`,
          },
        ];
  });
}

function conditionProblems(path: string, condition: Condition): Problem[] {
  const list = "allOf" in condition ? condition.allOf : "anyOf" in condition ? condition.anyOf : [];
  const nested = list.flatMap((inner, index) =>
    conditionProblems(`${path}.${"allOf" in condition ? "allOf" : "anyOf"}.${index}`, inner),
  );
  if (!("findings" in condition)) return nested;
  return emptyNot(`${path}.findings`, condition.findings);
}

function emptyNot(path: string, filter: FindingAttributes): Problem[] {
  if (filter.not === undefined) return [];
  return Object.keys(filter.not).length === 0
    ? [
        {
          path: `${path}.not`,
          problem: "an empty filter fits every finding, so its negation fits none; name an attribute",
        },
      ]
    : emptyNot(`${path}.not`, filter.not);
}
