import { durationMs, type Problem } from "@gatehouse/policy";
import { show } from "./argument-checks.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

/** What is wrong with how long scans of a registry count and serve; what is absent has a default. */
export function scanTermsProblems({
  maxScanAge,
  refreshAfter,
}: {
  readonly maxScanAge?: unknown;
  readonly refreshAfter?: unknown;
}): Problem[] {
  const problems: Problem[] = [];
  if (maxScanAge !== undefined && lengthOf(maxScanAge) === undefined)
    problems.push({
      path: "maxScanAge",
      problem: `expected a whole number and m, h, d or w, such as 24h, got ${show(maxScanAge)}`,
    });
  const length = refreshAfter === undefined ? minute : (lengthOf(refreshAfter) ?? 0);
  if (length < minute || length > day)
    problems.push({
      path: "refreshAfter",
      problem: `expected a whole number and m or h from 1m to 24h, got ${show(refreshAfter)}`,
    });
  return problems;
}

function lengthOf(value: unknown): number | undefined {
  return typeof value === "string" ? durationMs(value) : undefined;
}
