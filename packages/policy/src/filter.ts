import { knownDurationMs } from "./duration.ts";
import type { Finding } from "./finding.ts";
import type { Duration, FindingAttributes, FindingFilter } from "./model.ts";
import { momentMs } from "./moment.ts";
import { compilePatterns } from "./patterns.ts";
import { atLeastSeverity, compareSeverity } from "./severity.ts";
import type { Tri } from "./tri.ts";
import { not } from "./tri.ts";

/** One attribute's test: its name for "could not tell", and the answer. */
type Check = readonly [attribute: string, test: (finding: Finding, now: number) => Tri];

/** What a filter makes of one report's findings. */
export interface Matches {
  /** Findings that count, worst first. What is not known counts unless the filter says `ifUnknown: "skip"`. */
  counted: readonly Finding[];
  /** Findings of which an attribute was needed and is not known, counted or not. */
  unknown: readonly { finding: Finding; attributes: readonly string[] }[];
}

/** What the filters of a policy make of one list of findings, each at its own place, for as long as it is true. */
export type MatchMemory = (KeptMatches | undefined)[];

interface KeptMatches {
  matches: Matches;
  /** Milliseconds since the epoch. */
  from: number;
  through: number;
}

/** A compiled filter. `memory` is that of the findings. */
export type FilterMatcher = (findings: readonly Finding[], now: number, memory: MatchMemory) => Matches;

/** Gives each filter of a policy its place in memories. */
export type NextPlace = () => number;

/** Compiles a filter: all its attributes must hold for the same finding. */
export function compileFilter(filter: FindingFilter, place: NextPlace): FilterMatcher {
  const checks = attributeChecks(filter);
  const ifUnknown = filter.ifUnknown !== "skip";
  const same = createSameLists();
  return rememberWhileTrue(place(), ageLimits(filter), (findings, now) => {
    const counted: Finding[] = [];
    const unknown: { finding: Finding; attributes: readonly string[] }[] = [];
    for (const finding of findings) {
      const answer = evaluate(checks, finding, now);
      if (answer === undefined)
        unknown.push({
          finding,
          attributes: same(
            checks.filter(([, test]) => test(finding, now) === undefined).map(([name]) => name),
          ),
        });
      if (answer === undefined ? ifUnknown : answer) counted.push(finding);
    }
    if (counted.length === 0 && unknown.length === 0) return noMatches;
    return { counted: counted.sort(worstFirst), unknown };
  });
}

/** Equal lists of names as one: a source that lacks an attribute lacks it for each of its findings. */
function createSameLists(): (names: readonly string[]) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (names) => {
    const key = names.join();
    const found = known.get(key) ?? names;
    known.set(key, found);
    return found;
  };
}

/** Reads the moment from which an age is counted. */
type AgeLimit = readonly [moment: (finding: Finding) => string | undefined, limitMs: number];

/** Every age that the filter asks for, at any depth: the only reason why its answer changes with time. */
function ageLimits(filter: FindingAttributes): AgeLimit[] {
  const limits: AgeLimit[] = [];
  const add = (duration: Duration | undefined, moment: AgeLimit[0]) => {
    if (duration !== undefined) limits.push([moment, knownDurationMs(duration)]);
  };
  add(filter.fixAvailableFor, ({ fix }) => (fix?.available ? fix.since : undefined));
  add(filter.publishedFor, (finding) => finding.publishedAt);
  add(filter.firstSeenFor, (finding) => finding.firstSeenAt);
  return filter.not === undefined ? limits : [...limits, ...ageLimits(filter.not)];
}

/**
 * Findings are immutable and shared, so what a filter makes of them is worth keeping as long as the list itself
 * lives: most admissions ask the same rules about the same reports. Kept is what matches, never a verdict, and for
 * filters over ages only until the next finding comes of age.
 */
function rememberWhileTrue(
  place: number,
  limits: readonly AgeLimit[],
  match: (findings: readonly Finding[], now: number) => Matches,
): FilterMatcher {
  return (findings, now, memory) => {
    const kept = memory[place];
    if (kept !== undefined && now >= kept.from && now <= kept.through) return kept.matches;
    const matches = match(findings, now);
    memory[place] =
      limits.length > 0
        ? { matches, from: now, through: nextChange(findings, limits, now) }
        : matches === noMatches
          ? neverAny
          : { matches, from: -Infinity, through: Infinity };
    return matches;
  };
}

/** Most filters match nothing in most lists: then nothing is held but this. */
const noMatches: Matches = { counted: [], unknown: [] };
const neverAny: KeptMatches = { matches: noMatches, from: -Infinity, through: Infinity };

function nextChange(findings: readonly Finding[], limits: readonly AgeLimit[], now: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const [moment, limitMs] of limits)
    for (const finding of findings) {
      const since = moment(finding);
      if (since === undefined) continue;
      const comesOfAge = momentMs(since) + limitMs;
      if (comesOfAge >= now && comesOfAge < next) next = comesOfAge;
    }
  return next;
}

function evaluate(checks: readonly Check[], finding: Finding, now: number): Tri {
  let result: Tri = true;
  for (const [, test] of checks) {
    const answer = test(finding, now);
    if (answer === false) return false;
    if (answer === undefined) result = undefined;
  }
  return result;
}

/** Cheap and selective attributes come first: most findings fall out at their severity. */
function attributeChecks(filter: FindingAttributes): Check[] {
  const checks: Check[] = [];
  const add = (attribute: string, test: Check[1]) => checks.push([attribute, test]);
  const { minSeverity, minCvss, minEpss, knownExploited, fixAvailable } = filter;
  if (minSeverity !== undefined) add("severity", (finding) => atLeastSeverity(finding.severity, minSeverity));
  if (filter.severity !== undefined) {
    const wanted = new Set([filter.severity].flat());
    add("severity", (finding) =>
      wanted.has(finding.severity) ? true : finding.severity === "unknown" ? undefined : false,
    );
  }
  if (filter.cves !== undefined) {
    const matches = compilePatterns(filter.cves);
    add("cves", (finding) => matches.any(idsOf(finding)));
  }
  if (fixAvailable !== undefined)
    add("fix", ({ fix }) => (fix === undefined ? undefined : fix.available === fixAvailable));
  if (minCvss !== undefined) add("cvss", ({ cvss }) => (cvss === undefined ? undefined : cvss >= minCvss));
  if (minEpss !== undefined) add("epss", ({ epss }) => (epss === undefined ? undefined : epss >= minEpss));
  if (knownExploited !== undefined)
    add("knownExploited", (finding) =>
      finding.knownExploited === undefined ? undefined : finding.knownExploited === knownExploited,
    );
  if (filter.packages !== undefined) {
    const matches = compilePatterns(filter.packages);
    add("package", (finding) => (finding.package === undefined ? undefined : matches(finding.package.name)));
  }
  if (filter.packageTypes !== undefined) {
    const matches = compilePatterns(filter.packageTypes);
    add("package.type", ({ package: { type } = { name: "" } }) =>
      type === undefined ? undefined : matches(type),
    );
  }
  if (filter.fixedIn !== undefined) {
    const matches = compilePatterns(filter.fixedIn);
    add("fix.version", ({ fix }) => {
      if (fix?.available === false) return false;
      return fix?.version === undefined ? undefined : matches(fix.version);
    });
  }
  if (filter.fixAvailableFor !== undefined) {
    const longer = olderThan(filter.fixAvailableFor);
    add("fix.since", ({ fix }, now) => (fix?.available === false ? false : longer(fix?.since, now)));
  }
  if (filter.publishedFor !== undefined) {
    const longer = olderThan(filter.publishedFor);
    add("publishedAt", (finding, now) => longer(finding.publishedAt, now));
  }
  if (filter.firstSeenFor !== undefined) {
    const longer = olderThan(filter.firstSeenFor);
    add("firstSeenAt", (finding, now) => longer(finding.firstSeenAt, now));
  }
  if (filter.not !== undefined) {
    const inner = attributeChecks(filter.not);
    add(inner.map(([attribute]) => attribute).join(", "), (finding, now) =>
      not(evaluate(inner, finding, now)),
    );
  }
  return checks;
}

/** A test of whether a moment lies longer ago than a duration; unknown for a moment that is not known. */
export function olderThan(duration: Duration): (moment: string | undefined, now: number) => Tri {
  const limit = knownDurationMs(duration);
  return (moment, now) => {
    const at = moment === undefined ? Number.NaN : momentMs(moment);
    return Number.isNaN(at) ? undefined : now - at > limit;
  };
}

/** Worst severity first, then by id. */
export function worstFirst(a: Finding, b: Finding): number {
  return compareSeverity(a.severity, b.severity) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** A finding's id and its aliases. */
export function idsOf(finding: Finding): readonly string[] {
  return finding.aliases === undefined ? [finding.id] : [finding.id, ...finding.aliases];
}
