/** Rules, scopes and exemptions in words. */
import type {
  Condition,
  Exemption,
  FindingFilter,
  Patterns,
  Rule,
  Scope,
  StateActions,
} from "@gatehouse/policy";
import { incompleteStates, oneLine } from "@gatehouse/policy";

/** `namespace sandbox-* and repository billing/legacy-*`; `everything` when it asks nothing. */
export function scopeWords(scope: Scope | undefined): string {
  const words: string[] = [];
  const { cluster, namespace, workload, labels, ...plain } = scope ?? {};
  const { labels: clusterLabels, ...facts } = cluster ?? {};
  for (const [fact, patterns] of Object.entries(facts))
    words.push(`cluster ${fact} ${patternWords(patterns)}`);
  words.push(...labelWords("cluster label", clusterLabels));
  if (typeof namespace === "string" || Array.isArray(namespace))
    words.push(`namespace ${patternWords(namespace as Patterns)}`);
  else if (namespace !== undefined) {
    const { name, labels: own } = namespace as {
      name?: Patterns;
      labels?: Readonly<Record<string, Patterns>>;
    };
    if (name !== undefined) words.push(`namespace ${patternWords(name)}`);
    words.push(...labelWords("namespace label", own));
  }
  if (workload?.kind !== undefined) words.push(`workload kind ${patternWords(workload.kind)}`);
  if (workload?.name !== undefined) words.push(`workload ${patternWords(workload.name)}`);
  words.push(...labelWords("label", labels));
  for (const [fact, patterns] of Object.entries(plain)) words.push(`${fact} ${patternWords(patterns)}`);
  return words.length === 0 ? "everything" : words.join(" and ");
}

function labelWords(what: string, labels: Readonly<Record<string, Patterns>> | undefined): string[] {
  return Object.entries(labels ?? {}).map(
    ([label, patterns]) => `${what} ${label}=${patternWords(patterns)}`,
  );
}

function patternWords(patterns: Patterns): string {
  return oneLine([patterns].flat().join(" or "), 200);
}

/** `3 findings of high or worse with EPSS of 0.5 or more`. */
export function conditionWords(condition: Condition): string {
  if ("findings" in condition) {
    const { atLeast = 1, ...filter } = condition.findings;
    const count = atLeast === 1 ? "a finding" : `${atLeast} findings`;
    const words = filterWords(filter);
    return words === "" ? count : `${count} ${words}`;
  }
  if ("scanAge" in condition) return `a scan older than ${condition.scanAge.olderThan}`;
  if ("imageAge" in condition) return `an image older than ${condition.imageAge.olderThan}`;
  if ("unsignedReport" in condition) return "a report that nobody vouches for";
  if ("allOf" in condition) return `all of (${condition.allOf.map(conditionWords).join("; ")})`;
  return `any of (${condition.anyOf.map(conditionWords).join("; ")})`;
}

function filterWords({ ifUnknown, not, ...filter }: FindingFilter): string {
  const words = Object.entries(filter).map(([name, value]) => attributeWords(name, value));
  if (not !== undefined) words.push(`but not ${filterWords(not)}`);
  const text = words.join(", ");
  return ifUnknown === "skip" ? `${text} (unknown does not count)` : text;
}

const attributes: Readonly<Record<string, (value: string) => string>> = {
  minSeverity: (value) => `of ${value} or worse`,
  severity: (value) => `of ${value}`,
  cves: (value) => `named ${value}`,
  minCvss: (value) => `with CVSS of ${value} or more`,
  minEpss: (value) => `with EPSS of ${value} or more`,
  fixedIn: (value) => `fixed in ${value}`,
  fixAvailableFor: (value) => `whose fix has been out for ${value}`,
  publishedFor: (value) => `published ${value} ago or longer`,
  firstSeenFor: (value) => `first seen ${value} ago or longer`,
  packages: (value) => `in ${value}`,
  packageTypes: (value) => `in packages of type ${value}`,
};

function attributeWords(name: string, value: unknown): string {
  if (name === "knownExploited")
    return value === true ? "known to be exploited" : "not known to be exploited";
  if (name === "fixAvailable") return value === true ? "with a fix" : "without a fix";
  const text = oneLine([value].flat().map(String).join(" or "), 200);
  return attributes[name]?.(text) ?? `${name} ${text}`;
}

/** `denies absent, audits other scans that are not complete`: the commonest outcome last. */
export function stateWords(states: StateActions): string {
  const verbs = { allow: "lets in", audit: "audits", deny: "denies" } as const;
  const groups = (["deny", "audit", "allow"] as const)
    .map((outcome) => ({ outcome, all: incompleteStates.filter((state) => states[state] === outcome) }))
    .filter(({ all }) => all.length > 0)
    .sort((a, b) => a.all.length - b.all.length);
  return groups
    .map(({ outcome, all }, index) => {
      if (groups.length === 1) return `${verbs[outcome]} every scan that is not complete`;
      const commonest = index === groups.length - 1;
      return `${verbs[outcome]} ${commonest ? "other scans that are not complete" : all.join(", ")}`;
    })
    .join(", ");
}

/** What a rule does, in one line. */
export function ruleWords(rule: Rule): string {
  const verb = rule.action === "deny" ? "denies" : "audits";
  const except = [rule.except ?? []].flat() as readonly Scope[];
  return [
    `${verb} ${conditionWords(rule.when)}`,
    rule.where === undefined ? "" : `in ${scopeWords(rule.where)}`,
    except.length === 0 ? "" : `except ${except.map(scopeWords).join(" or ")}`,
    rule.action === "deny" ? `and ${stateWords(rule.onScan)}` : "",
    rule.running === undefined ? "" : `while what runs is admitted until ${rule.running.admitUntil}`,
    rule.enabled ? "" : "(disabled)",
  ]
    .filter((part) => part !== "")
    .join(" ");
}

/** What an exemption takes out, in one line. */
export function exemptionWords(exemption: Exemption): string {
  const { cves, packages, states, rules, untilFixed, where } = exemption;
  const what = [
    cves === undefined ? "" : patternWords(cves),
    packages === undefined ? "" : `in ${patternWords(packages)}`,
    states === undefined ? "" : `scans that are ${states.join(" or ")}`,
  ].filter((part) => part !== "");
  return [
    what.length === 0 ? "everything" : what.join(" "),
    where === undefined ? "everywhere" : `for ${scopeWords(where)}`,
    rules === undefined ? "from all rules" : `from ${rules.join(", ")}`,
    exemption.until === undefined ? "permanently" : `until ${exemption.until}`,
    untilFixed === true ? "or until there is a fix" : "",
  ]
    .filter((part) => part !== "")
    .join(" ");
}
