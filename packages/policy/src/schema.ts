/** The JSON form of a policy: its schema, and what no schema can say. */
import * as z from "zod/mini";
import { endOf } from "./deadline.ts";
import { durationMs } from "./duration.ts";
import type { Condition, FindingAttributes, Patterns, Policy, Scope } from "./model.ts";
import { outcomes } from "./model.ts";
import { patternProblem } from "./patterns.ts";
import type { Problem } from "./problems.ts";
import { problemsOf } from "./problems.ts";
import { incompleteStates } from "./scan.ts";
import { namespaceScope } from "./scope.ts";
import { knownSeverities, severities } from "./severity.ts";
import { vexStatementSchema } from "./vex-schema.ts";

const line = z
  .string()
  .check(z.minLength(1), z.regex(/^[^\p{Cc}]+$/u, "one line of text without control characters"));
const name = z
  .string()
  .check(
    z.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "lower-case letters, digits and dashes, at most 63"),
  );
const pattern = z.string().check(
  z.superRefine((text, context) => {
    const problem = patternProblem(text);
    if (problem) context.addIssue({ code: "custom", message: problem });
  }),
);
const patterns = z.union([
  pattern,
  z.array(pattern).check(z.minLength(1, "at least one pattern")),
]) as z.ZodMiniType<Patterns>;
const labels = z.record(z.string(), patterns);
const duration = z.string().check(
  z.superRefine((text, context) => {
    if (durationMs(text) === undefined)
      context.addIssue({
        code: "custom",
        message: `${JSON.stringify(text)} is no duration; write a number and m, h, d or w, such as 14d`,
      });
  }),
);
const date = z.string().check(
  z.superRefine((text, context) => {
    if (endOf(text) === undefined)
      context.addIssue({
        code: "custom",
        message: `${JSON.stringify(text)} is no date; write 2027-01-31, which ends that day UTC, or 2027-01-31T12:00:00Z`,
      });
  }),
);

const scope = z.strictObject({
  cluster: z.optional(
    z.strictObject({
      name: z.optional(patterns),
      cloud: z.optional(patterns),
      account: z.optional(patterns),
      region: z.optional(patterns),
      labels: z.optional(labels),
    }),
  ),
  namespace: z.optional(
    z.union([patterns, z.strictObject({ name: z.optional(patterns), labels: z.optional(labels) })]),
  ),
  workload: z.optional(z.strictObject({ kind: z.optional(patterns), name: z.optional(patterns) })),
  pod: z.optional(patterns),
  labels: z.optional(labels),
  registry: z.optional(patterns),
  repository: z.optional(patterns),
  image: z.optional(patterns),
  digest: z.optional(patterns),
});

const attributes = {
  minSeverity: z.optional(z.enum(knownSeverities)),
  severity: z.optional(z.union([z.enum(severities), z.array(z.enum(severities)).check(z.minLength(1))])),
  cves: z.optional(patterns),
  minCvss: z.optional(z.number().check(z.gte(0), z.lte(10))),
  minEpss: z.optional(z.number().check(z.gte(0), z.lte(1))),
  knownExploited: z.optional(z.boolean()),
  fixAvailable: z.optional(z.boolean()),
  fixedIn: z.optional(patterns),
  fixAvailableFor: z.optional(duration),
  publishedFor: z.optional(duration),
  firstSeenFor: z.optional(duration),
  packages: z.optional(patterns),
  packageTypes: z.optional(patterns),
  get not() {
    return z.optional(findingAttributes);
  },
};
const findingAttributes: z.ZodMiniType<FindingAttributes> = z.lazy(() => z.strictObject(attributes)) as never;
const ifUnknown = z.optional(z.enum(["match", "skip"]));

const condition: z.ZodMiniType<Condition> = z.lazy(() =>
  z.union([
    z.strictObject({
      findings: z.strictObject({
        ...attributes,
        not: z.optional(findingAttributes),
        atLeast: z.optional(z.int().check(z.gte(1))),
        ifUnknown,
      }),
    }),
    z.strictObject({ scanAge: z.strictObject({ olderThan: duration }) }),
    z.strictObject({ imageAge: z.strictObject({ olderThan: duration, ifUnknown }) }),
    z.strictObject({ unsignedReport: z.strictObject({}) }),
    z.strictObject({ allOf: z.array(condition).check(z.minLength(1)) }),
    z.strictObject({ anyOf: z.array(condition).check(z.minLength(1)) }),
  ]),
) as never;

const outcome = z.enum(outcomes);
const onScan = z.strictObject(
  Object.fromEntries(incompleteStates.map((state) => [state, outcome])) as Record<
    (typeof incompleteStates)[number],
    typeof outcome
  >,
);

const rule = z.strictObject({
  description: line,
  action: z.enum(["audit", "deny"]),
  enabled: z.boolean(),
  where: z.optional(scope),
  except: z.optional(z.union([scope, z.array(scope).check(z.minLength(1))])),
  when: condition,
  onScan,
  running: z.optional(z.strictObject({ admitUntil: date })),
});

/** One exemption's JSON form; also that of an entry of the emergency list. */
export const exemptionSchema = z.strictObject({
  reason: line,
  owner: line,
  ticket: z.optional(line),
  until: z.optional(date),
  permanent: z.optional(z.literal(true)),
  where: z.optional(scope),
  rules: z.optional(z.array(name).check(z.minLength(1))),
  cves: z.optional(patterns),
  packages: z.optional(patterns),
  states: z.optional(z.array(z.enum(incompleteStates)).check(z.minLength(1))),
  untilFixed: z.optional(z.boolean()),
});

export const policySchema = z.strictObject({
  version: z.literal(1),
  rules: z.record(name, rule),
  exemptions: z.record(name, exemptionSchema),
  vex: z.array(vexStatementSchema),
  exemptionHelp: line,
});

export type ParsedPolicy = { ok: true; policy: Policy } | { ok: false; problems: readonly Problem[] };

/** Reads a policy from its JSON form. All that is wrong comes back at once. */
export function parsePolicy(input: unknown): ParsedPolicy {
  const parsed = policySchema.safeParse(input);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error, input) };
  const policy = parsed.data as Policy;
  const problems = policyProblems(policy);
  return problems.length === 0 ? { ok: true, policy } : { ok: false, problems };
}

function policyProblems(policy: Policy): Problem[] {
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
export function exemptionProblems(path: string, exemption: Policy["exemptions"][string]): Problem[] {
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
