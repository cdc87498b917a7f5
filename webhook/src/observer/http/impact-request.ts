import * as z from "zod/mini";
import { modes, parsePolicy, problemsOf, runningSchema, type Problem } from "@gatehouse/policy";
import type { Proposal } from "../impact-service.ts";

/** Longest look ahead, in days. */
const longestHorizon = 90;

const requestSchema = z.strictObject({
  /** Checked by the policy's own parser. */
  policy: z.unknown(),
  mode: z.enum(modes),
  running: z.optional(runningSchema),
  horizonDays: z.optional(z.int().check(z.gte(0), z.lte(longestHorizon))),
});

/** Reads the body of `POST /v1/impact`. */
export function parseImpactRequest(
  value: unknown,
): { ok: true; proposal: Proposal } | { ok: false; problems: readonly Problem[] } {
  const parsed = requestSchema.safeParse(value);
  const policyValue = (value as { policy?: unknown } | null | undefined)?.policy;
  const policy = parsePolicy(policyValue);
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error, value)),
    ...(policy.ok
      ? []
      : policy.problems.map(({ path, problem }) => ({
          path: path === "" ? "policy" : `policy.${path}`,
          problem,
        }))),
  ];
  if (!parsed.success || !policy.ok) return { ok: false, problems };
  const { mode, running, horizonDays } = parsed.data;
  return { ok: true, proposal: { policy: policy.policy, mode, running, horizonDays } };
}
