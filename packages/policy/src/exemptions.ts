import type { ExemptionResult } from "./decision.ts";
import { daysUntil, endOf } from "./deadline.ts";
import { idsOf } from "./filter.ts";
import type { Finding } from "./finding.ts";
import type { Exemption, Patterns } from "./model.ts";
import { compilePatterns } from "./patterns.ts";
import type { PatternMatcher } from "./patterns.ts";
import type { IncompleteState } from "./scan.ts";
import type { ImageFacts, ScopeMatcher } from "./scope.ts";
import { compileScope } from "./scope.ts";
import type { Subject } from "./subject.ts";

/** An exemption ready to be asked. */
export interface CompiledExemption {
  name: string;
  /** Its place among the policy's exemptions. */
  index: number;
  /** When it ends, in milliseconds; infinite when permanent. */
  end: number;
  scope: ScopeMatcher;
  /** Whether it speaks of this rule. */
  covers(rule: string): boolean;
  /** The image need not satisfy the rule at all: nothing narrower is named. */
  whole: boolean;
  /** Takes this finding out; `undefined` when the exemption is not about findings. */
  finding?: (finding: Finding) => boolean;
  /** Ids, else names of packages, one of which a finding must have for that. */
  exact: { ids: readonly string[]; packages: readonly string[] };
  states: ReadonlySet<IncompleteState>;
}

/** Compiles an exemption that the schema has accepted. */
export function compileExemption(name: string, exemption: Exemption, index: number): CompiledExemption {
  const { cves, packages, rules, states, untilFixed } = exemption;
  const about = cves !== undefined || packages !== undefined || untilFixed === true;
  const ids = cves === undefined ? undefined : namesFinding(compilePatterns(cves));
  const names = packages === undefined ? undefined : compilePatterns(packages);
  const takesOut = (finding: Finding) =>
    (ids === undefined || ids(finding)) &&
    (names === undefined || (finding.package !== undefined && names(finding.package.name))) &&
    // A fix that is not known to be missing ends it: unknown is never clean.
    (untilFixed !== true || finding.fix?.available === false);
  return {
    name,
    index,
    end: exemption.permanent ? Number.POSITIVE_INFINITY : (endOf(exemption.until ?? "") ?? 0),
    scope: compileScope(exemption.where ?? {}),
    covers: rules === undefined ? () => true : (rule) => rules.includes(rule),
    whole: !about && states === undefined,
    ...(about ? { finding: takesOut } : {}),
    exact: { ids: exactNames(cves), packages: exactNames(packages) },
    states: new Set(states),
  };
}

/**
 * Whether patterns name a finding by its id or an alias. A vendor's advisory can stand for several CVEs: to excuse one
 * of them is not to excuse the others, so all of them must be named, or the advisory itself.
 */
function namesFinding(patterns: PatternMatcher): (finding: Finding) => boolean {
  return (finding) => {
    if (!patterns.any(idsOf(finding))) return false;
    const cves = (finding.aliases ?? []).filter((alias) => alias.startsWith("CVE-"));
    return cves.length < 2 || patterns(finding.id) || cves.every(patterns);
  };
}

/** Names that are all exact; none when there is a pattern among them. */
function exactNames(patterns: Patterns | undefined): readonly string[] {
  const names = [patterns ?? []].flat();
  return names.some((name) => name.includes("*") || name.startsWith("!")) ? [] : names;
}

/** A policy's exemptions, those about exact ids or packages found by these: a policy may hold thousands of them. */
export interface ExemptionIndex {
  all: readonly CompiledExemption[];
  /** How each fared last: mostly as it fares next, and then the same object tells it. */
  told: ExemptionResult[];
  byId: ReadonlyMap<string, readonly CompiledExemption[]>;
  /** Those that name no exact id, by exact name of the package. */
  byPackage: ReadonlyMap<string, readonly CompiledExemption[]>;
  /** About findings, but by pattern or fix alone. */
  byPattern: readonly CompiledExemption[];
  /** That free an image altogether. */
  wholes: readonly CompiledExemption[];
  /** That excuse scan states. */
  stateful: readonly CompiledExemption[];
}

/** Sorts exemptions by how a finding leads to them. */
export function indexExemptions(all: readonly CompiledExemption[]): ExemptionIndex {
  const byId = new Map<string, CompiledExemption[]>();
  const byPackage = new Map<string, CompiledExemption[]>();
  const byPattern: CompiledExemption[] = [];
  for (const exemption of all.filter(({ finding }) => finding !== undefined)) {
    const { ids, packages } = exemption.exact;
    if (ids.length > 0) for (const id of new Set(ids)) addTo(byId, id, exemption);
    else if (packages.length > 0) for (const name of new Set(packages)) addTo(byPackage, name, exemption);
    else byPattern.push(exemption);
  }
  const wholes = all.filter(({ whole }) => whole);
  const stateful = all.filter(({ states }) => states.size > 0);
  return { all, told: [], byId, byPackage, byPattern, wholes, stateful };
}

function addTo(map: Map<string, CompiledExemption[]>, key: string, exemption: CompiledExemption): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [exemption]);
  else list.push(exemption);
}

/** The exemptions that may be about a finding, in the order in which they are asked. */
function* mayBeAbout(index: ExemptionIndex, finding: Finding): Generator<readonly CompiledExemption[]> {
  for (const id of idsOf(finding)) yield index.byId.get(id) ?? nobody;
  yield index.byPackage.get(finding.package?.name ?? "") ?? nobody;
  yield index.byPattern;
}

const nobody: readonly CompiledExemption[] = [];

/** Whether any exemption might take the finding out, whatever its scope, rules and end. */
export function mayTakeOut(index: ExemptionIndex, finding: Finding): boolean {
  for (const list of mayBeAbout(index, finding))
    if (list.some((exemption) => exemption.finding?.(finding) === true)) return true;
  return false;
}

/** The exemptions in force for one image. */
export interface ActiveExemptions {
  /** First exemption that frees the image from the rule altogether. */
  whole(rule: string): string | undefined;
  /** First exemption that excuses the state for the rule. */
  state(rule: string, state: IncompleteState): string | undefined;
  /** First exemption that takes the finding out for the rule. */
  finding(rule: string, finding: Finding): string | undefined;
  readonly none: boolean;
}

const noExemptions: ActiveExemptions = {
  whole: () => undefined,
  state: () => undefined,
  finding: () => undefined,
  none: true,
};

/** Follows the policy's exemptions through one decision. */
export interface ExemptionLedger {
  /** Exemptions in force for an image: those whose scope certainly holds. Not knowing is not enough. */
  active(image: ImageFacts): ActiveExemptions;
  results(): ExemptionResult[];
}

/** How an exemption fared so far. */
const [outOfScope, unused, used] = [0, 1, 2];
const words = ["out-of-scope", "unused", "used"] as const;

/** Opens the ledger of one decision at `now`, in milliseconds since the epoch. */
export function exemptionLedger(exemptions: ExemptionIndex, subject: Subject, now: number): ExemptionLedger {
  const { all, told, wholes, stateful } = exemptions;
  const scopes = all.map(({ scope }) => scope(subject));
  // By index, since there can be thousands of exemptions and every image of a decision asks for all.
  const status = new Uint8Array(all.length);
  const use = (found: CompiledExemption | undefined) => {
    if (found === undefined) return undefined;
    status[found.index] = used;
    return found.name;
  };
  return {
    active(image) {
      const inForce = new Uint8Array(all.length);
      let none = true;
      for (const { index, end } of all) {
        if (scopes[index]?.(image, ignore) !== true) continue;
        if (status[index] === outOfScope) status[index] = unused;
        if (now >= end) continue;
        inForce[index] = 1;
        none = false;
      }
      if (none) return noExemptions;
      const find = (list: readonly CompiledExemption[], helps: (exemption: CompiledExemption) => boolean) =>
        use(list.find((exemption) => inForce[exemption.index] === 1 && helps(exemption)));
      return {
        none: false,
        whole: (rule) =>
          wholes.length === 0 ? undefined : find(wholes, (exemption) => exemption.covers(rule)),
        state: (rule, state) =>
          find(stateful, (exemption) => exemption.states.has(state) && exemption.covers(rule)),
        finding: (rule, finding) => {
          const takesOut = (exemption: CompiledExemption) =>
            exemption.finding?.(finding) === true && exemption.covers(rule);
          for (const list of mayBeAbout(exemptions, finding)) {
            const found = find(list, takesOut);
            if (found !== undefined) return found;
          }
          return undefined;
        },
      };
    },
    results: () =>
      all.map(({ name: exemption, end, index }) => {
        const fared = now >= end ? "expired" : (words[status[index] ?? outOfScope] ?? "out-of-scope");
        const daysLeft = Number.isFinite(end) ? daysUntil(end, now) : undefined;
        const before = told[index];
        if (before !== undefined && before.status === fared && before.daysLeft === daysLeft) return before;
        return (told[index] =
          daysLeft === undefined ? { exemption, status: fared } : { exemption, status: fared, daysLeft });
      }),
  };
}

function ignore(): void {}
