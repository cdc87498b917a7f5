/** The JSON form of a policy: its schema, and how it is read. */
import * as z from "zod/mini";
import { endOf } from "./deadline.ts";
import { durationMs } from "./duration.ts";
import type { Condition, FindingAttributes, Patterns, Policy } from "./model.ts";
import { outcomes } from "./model.ts";
import { patternProblem } from "./patterns.ts";
import { policyProblems } from "./policy-problems.ts";
import type { Problem } from "./problems.ts";
import { problemsOf } from "./problems.ts";
import { incompleteStates } from "./scan.ts";
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

const exemption = z.strictObject({
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

/** A policy as JSON: its shape. `parsePolicy` checks the rest. */
export const policySchema = z.strictObject({
  version: z.literal(1),
  rules: z.record(name, rule),
  exemptions: z.record(name, exemption),
  vex: z.array(vexStatementSchema),
  exemptionHelp: line,
});

/** A policy, or all that is wrong with it. */
export type ParsedPolicy = { ok: true; policy: Policy } | { ok: false; problems: readonly Problem[] };

/** Reads a policy from its JSON form. All that is wrong comes back at once. */
export function parsePolicy(input: unknown): ParsedPolicy {
  const parsed = policySchema.safeParse(input);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error, input) };
  const policy = parsed.data as Policy;
  const problems = policyProblems(policy);
  return problems.length === 0 ? { ok: true, policy } : { ok: false, problems };
}
