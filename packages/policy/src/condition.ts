import { compileFilter, olderThan, worstFirst } from "./filter.ts";
import type { Matches, MatchMemory, NextPlace } from "./filter.ts";
import type { Finding } from "./finding.ts";
import type { Condition } from "./model.ts";
import type { CouldNotTell } from "./decision.ts";
import { momentMs } from "./moment.ts";
import { rememberLast } from "./remember-list.ts";
import type { PlatformScan } from "./scan.ts";

/** What a condition is asked about: the same for all rules, so that asking hundreds of them makes no garbage. */
export interface ConditionInput {
  readonly scan: PlatformScan;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What the policy's filters have made of the scan's findings before. */
  readonly memory: MatchMemory;
  /** Takes out the findings that exemptions and VEX set aside for the rule under way. */
  remaining(findings: readonly Finding[]): readonly Finding[];
}

/** What a condition makes of one platform's scan. */
export interface ConditionResult {
  holds: boolean;
  /** Findings that made it hold, or that count towards it, worst first. */
  findings: readonly Finding[];
  couldNotTell: readonly CouldNotTell[];
}

/** A compiled condition. */
export type ConditionMatcher = (input: ConditionInput) => ConditionResult;

/** Compiles a condition. Monotone: no further finding makes it false. */
export function compileCondition(condition: Condition, place: NextPlace): ConditionMatcher {
  if ("findings" in condition) return compileFindings(condition.findings, place);
  if ("scanAge" in condition) return compileScanAge(condition.scanAge);
  if ("imageAge" in condition) return compileImageAge(condition.imageAge);
  if ("unsignedReport" in condition)
    return ({ scan }) => ({ ...nothing, holds: scan.report.trust.kind === "unsigned" });
  if ("allOf" in condition)
    return combine(condition.allOf, place, (results) => results.every(({ holds }) => holds));
  return combine(condition.anyOf, place, (results) => results.some(({ holds }) => holds));
}

const nothing: ConditionResult = { holds: false, findings: [], couldNotTell: [] };

function compileFindings(
  { atLeast = 1, ...filter }: Extract<Condition, { findings: unknown }>["findings"],
  place: NextPlace,
): ConditionMatcher {
  const match = compileFilter(filter, place);
  const tell = rememberLast(([unknown = []]: readonly Matches["unknown"][]) =>
    unknown.flatMap(({ finding, attributes }) =>
      attributes.map((attribute) => ({ attribute, finding: finding.id })),
    ),
  );
  return (input) => {
    const { counted, unknown } = match(input.scan.report.findings, input.now, input.memory);
    if (counted.length === 0 && unknown.length === 0) return nothing;
    const findings = counted.length === 0 ? counted : input.remaining(counted);
    return {
      holds: findings.length >= atLeast,
      findings,
      couldNotTell: unknown.length === 0 ? nothing.couldNotTell : tell(unknown),
    };
  };
}

/** A scan that has not ended has no age: its state's action speaks for it. */
function compileScanAge({
  olderThan: limit,
}: Extract<Condition, { scanAge: unknown }>["scanAge"]): ConditionMatcher {
  const older = olderThan(limit);
  return ({ scan: { report }, now }) => {
    const answer = older(unlessToCome(report.scannedAt, now), now);
    if (answer !== undefined) return { ...nothing, holds: answer };
    return { ...nothing, holds: report.state === "complete", couldNotTell: [{ attribute: "scannedAt" }] };
  };
}

function compileImageAge({
  olderThan: limit,
  ifUnknown,
}: Extract<Condition, { imageAge: unknown }>["imageAge"]): ConditionMatcher {
  const older = olderThan(limit);
  return ({ scan, now }) => {
    const answer = older(unlessToCome(scan.createdAt, now), now);
    if (answer !== undefined) return { ...nothing, holds: answer };
    return { ...nothing, holds: ifUnknown !== "skip", couldNotTell: [{ attribute: "createdAt" }] };
  };
}

const dayMs = 86_400_000;

/** A moment more than a day ahead, further than clocks and time zones go wrong, tells no age: its author made it up. */
function unlessToCome(moment: string | undefined, now: number): string | undefined {
  return moment !== undefined && momentMs(moment) > now + dayMs ? undefined : moment;
}

function combine(
  conditions: readonly Condition[],
  place: NextPlace,
  holdsFor: (results: readonly ConditionResult[]) => boolean,
): ConditionMatcher {
  const matchers = conditions.map((condition) => compileCondition(condition, place));
  const union = rememberLast((lists: readonly (readonly Finding[])[]) =>
    [...new Set(lists.flat())].sort(worstFirst),
  );
  const together = rememberLast((lists: readonly (readonly CouldNotTell[])[]) => lists.flat());
  return (input) => {
    const results = matchers.map((matches) => matches(input));
    const holds = holdsFor(results);
    const deciding = holds ? results.filter((result) => result.holds) : results;
    return {
      holds,
      findings: union(...deciding.map(({ findings }) => findings)),
      couldNotTell: together(...results.map(({ couldNotTell }) => couldNotTell)),
    };
  };
}
