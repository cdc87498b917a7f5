import type { CompiledPolicy, CompiledRule } from "./compile.ts";
import type { ConditionInput } from "./condition.ts";
import { isConfirmed, tagsToConfirm } from "./claimed-tag.ts";
import { compilePolicy } from "./compile.ts";
import type { CouldNotTell, Decision, ImageDecision, RuleResult, Ruling, SetAside } from "./decision.ts";
import { exemptionLedger } from "./exemptions.ts";
import type { ActiveExemptions } from "./exemptions.ts";
import type { Finding } from "./finding.ts";
import { formatRepository, parseImageReference } from "./image-reference.ts";
import type { Mode, Outcome, Policy } from "./model.ts";
import type { ImageScan, IncompleteState, PlatformScan, Scans } from "./scan.ts";
import { unscanned } from "./scan.ts";
import type { BoundScope, ImageFacts } from "./scope.ts";
import type { Subject } from "./subject.ts";

/**
 * The only judge: admission, background, impact, replay and command line all call it. Pure: the same arguments give
 * the same decision. It knows no mode; see `applyMode`.
 *
 * @param scans what is known of each image reference as written; a missing one counts as `unavailable`
 * @param now milliseconds since the epoch
 */
export function decide(policy: Policy, subject: Subject, scans: Scans, now: number): Decision {
  const compiled = compilePolicy(policy);
  const rules = compiled.rules.map((rule) => bind(rule, subject));
  const ledger = exemptionLedger(compiled.exemptions, subject, now);
  const images: ImageDecision[] = [];
  for (const [reference, paths] of byReference(subject)) {
    const parsed = parseImageReference(reference);
    const scan = scans.get(reference) ?? notLookedUp;
    const platforms = scan.platforms.length === 0 ? notLookedUp.platforms : scan.platforms;
    const named = parsed.ok
      ? { reference: parsed.reference, tagConfirmed: isConfirmed(parsed.reference, scans) }
      : {};
    const results = platforms.map((platform) => {
      const facts = imageFacts(named, scan, platform);
      const hearing = openHearing(compiled, subject, facts, platform, ledger.active(facts), now);
      return { platform, rules: rules.map((rule) => judge(rule, hearing)) };
    });
    images.push(imageDecision(reference, paths, scan, results));
  }
  return { outcome: worst(images.map(({ outcome }) => outcome)), images, exemptions: ledger.results() };
}

/** A rule whose scopes know the subject. */
interface BoundRule {
  rule: CompiledRule;
  where: BoundScope;
  except: readonly BoundScope[];
}

function bind(rule: CompiledRule, subject: Subject): BoundRule {
  const except = rule.except.length === 0 ? nothing : rule.except.map((scope) => scope(subject));
  return { rule, where: rule.where(subject), except };
}

/** Caps a decision at what the cluster's mode allows. The one place where mode acts, after evaluation. */
export function applyMode(decision: Decision, mode: Mode): Ruling {
  const action = mode === "audit" && decision.outcome === "deny" ? "audit" : decision.outcome;
  return { ...decision, mode, action, inDenyMode: decision.outcome };
}

/** The worst of several outcomes; `allow` of none. */
export function worst(all: readonly Outcome[]): Outcome {
  return all.reduce(worse, "allow" as Outcome);
}

function worse(a: Outcome, b: Outcome): Outcome {
  return severer(b, a) ? b : a;
}

/** Whether `a` is stricter than `b`. */
export function severer(a: Outcome, b: Outcome): boolean {
  return a !== b && (a === "deny" || b === "allow");
}

/**
 * The references of a subject that some enabled rule may ask about: the only ones worth a look-up. A scope that
 * cannot be told before the look-up (a digest) counts as one that may. Where the policy goes by tags, a tag that stands
 * beside a digest is looked up by itself, too: only that tells whether it names the digest.
 */
export function referencesToScan(policy: Policy, subject: Subject): string[] {
  const rules = compilePolicy(policy)
    .rules.filter(({ enabled }) => enabled)
    .map((rule) => bind(rule, subject));
  const asked = [...byReference(subject).keys()].filter((reference) => {
    const parsed = parseImageReference(reference);
    const facts = parsed.ok ? { reference: parsed.reference } : {};
    return rules.some(
      ({ where, except }) =>
        where(facts, ignore) !== false &&
        // Without a digest, an exception by digest is unknown, which does not count as true.
        !except.some((scope) => scope(facts, ignore) === true),
    );
  });
  return [...new Set([...asked, ...tagsToConfirm(policy, asked)])];
}

const notLookedUp = unscanned("unavailable", "no look-up was made", "none");

function byReference(subject: Subject): Map<string, string[]> {
  const uses = new Map<string, string[]>();
  for (const { reference, path } of subject.images) {
    const paths = uses.get(reference);
    if (paths) paths.push(path);
    else uses.set(reference, [path]);
  }
  return uses;
}

function imageFacts(
  named: Pick<ImageFacts, "reference" | "tagConfirmed">,
  scan: ImageScan,
  platform: PlatformScan,
): ImageFacts {
  return {
    ...named,
    ...(scan.digest === undefined ? {} : { digest: scan.digest }),
    ...(platform.digest === undefined ? {} : { platformDigest: platform.digest }),
  };
}

/** One image of one platform before all rules, one after another; what concerns only the rule under way is reset. */
interface Hearing extends ConditionInput {
  readonly policy: CompiledPolicy;
  readonly subject: Subject;
  readonly facts: ImageFacts;
  readonly exemptions: ActiveExemptions;
  rule: string;
  unknown: readonly CouldNotTell[];
  setAside: readonly SetAside[];
  readonly note: (attribute: string) => void;
}

function openHearing(
  policy: CompiledPolicy,
  subject: Subject,
  facts: ImageFacts,
  scan: PlatformScan,
  exemptions: ActiveExemptions,
  now: number,
): Hearing {
  const hearing: Hearing = {
    policy,
    subject,
    facts,
    scan,
    exemptions,
    now,
    rule: "",
    unknown: nothing,
    setAside: nothing,
    note: (attribute) => {
      hearing.unknown = [...hearing.unknown, { attribute }];
    },
    remaining(counted) {
      const { findings, setAside } = withoutSetAside(counted, hearing);
      if (setAside.length > 0) hearing.setAside = distinct([...hearing.setAside, ...setAside]);
      return findings;
    },
  };
  return hearing;
}

function judge({ rule, where, except }: BoundRule, hearing: Hearing): RuleResult {
  const { facts, scan, exemptions } = hearing;
  hearing.rule = rule.name;
  hearing.unknown = nothing;
  hearing.setAside = nothing;
  if (!rule.enabled) return leftAlone(rule, scan, "disabled");
  if (where(facts, hearing.note) === false) return leftAlone(rule, scan, "out-of-scope");
  for (const scope of except)
    if (scope(facts, hearing.note) === true) return leftAlone(rule, scan, "excepted");
  const whole = exemptions.whole(rule.name);
  if (whole !== undefined) return { ...leftAlone(rule, scan, "exempt"), exemption: whole };

  const { holds, findings, couldNotTell } = rule.when(hearing);
  if (!holds && findings.length === 0 && couldNotTell.length === 0 && scan.report.state === "complete")
    if (hearing.unknown.length === 0 && hearing.setAside.length === 0)
      return silence(rule, scan, "evaluated");
  const byState = stateOutcome(rule, scan.report.state, exemptions);
  const asked = worse(holds ? rule.action : "allow", byState.outcome);
  const outcome = severer(asked, rule.action) ? rule.action : asked;
  const running = outcome === "deny" && rule.admitsRunning(hearing.now) && isRunning(hearing.subject, facts);
  return result(rule, scan, {
    outcome: running ? "audit" : outcome,
    status: running ? "already-running" : "evaluated",
    matched: holds,
    state: byState,
    findings,
    setAside: hearing.setAside,
    couldNotTell: hearing.unknown.length === 0 ? couldNotTell : [...hearing.unknown, ...couldNotTell],
  });
}

function leftAlone(rule: CompiledRule, scan: PlatformScan, status: RuleResult["status"]): RuleResult {
  return scan.report.state === "complete"
    ? silence(rule, scan, status)
    : result(rule, scan, { ...silent, status, state: { state: scan.report.state, outcome: "allow" } });
}

const nothing: readonly never[] = [];
const scanned: RuleResult["state"] = { state: "complete", outcome: "allow" };
const silent = {
  outcome: "allow",
  matched: false,
  state: scanned,
  findings: nothing,
  setAside: nothing,
  couldNotTell: nothing,
} as const;

type Status = RuleResult["status"];
const silences = new WeakMap<CompiledRule, Map<string | undefined, Map<Status, RuleResult>>>();
/** More platforms than any cluster has; an index can name whatever it likes. */
const mostPlatforms = 16;

/** Most rules have nothing to say of most images: that result is made once, since a decision has hundreds of it. */
function silence(rule: CompiledRule, scan: PlatformScan, status: Status): RuleResult {
  let ofRule = silences.get(rule);
  if (ofRule === undefined) {
    ofRule = new Map();
    silences.set(rule, ofRule);
  }
  let ofPlatform = ofRule.get(scan.platform);
  if (ofPlatform === undefined) {
    if (ofRule.size >= mostPlatforms) ofRule.clear();
    ofPlatform = new Map();
    ofRule.set(scan.platform, ofPlatform);
  }
  let made = ofPlatform.get(status);
  if (made === undefined) {
    made = result(rule, scan, { ...silent, status });
    ofPlatform.set(status, made);
  }
  return made;
}

function result(
  { name, action }: CompiledRule,
  { platform }: PlatformScan,
  made: Omit<RuleResult, "rule" | "action" | "platform">,
): RuleResult {
  return platform === undefined ? { rule: name, action, ...made } : { rule: name, action, ...made, platform };
}

function stateOutcome(
  rule: CompiledRule,
  state: PlatformScan["report"]["state"],
  exemptions: ActiveExemptions,
): RuleResult["state"] {
  if (state === "complete") return scanned;
  const outcome = rule.onScan[state as IncompleteState];
  if (outcome === "allow") return { state, outcome };
  const exemption = exemptions.state(rule.name, state);
  return exemption === undefined ? { state, outcome } : { state, outcome: "allow", exemption };
}

interface Remaining {
  findings: readonly Finding[];
  setAside: readonly SetAside[];
}

function withoutSetAside(counted: readonly Finding[], hearing: Hearing): Remaining {
  const { policy, scan, exemptions } = hearing;
  const excusable = policy.excusable(scan.report.findings);
  if (excusable.size === 0 || (exemptions.none && !policy.hasVex))
    return { findings: counted, setAside: nothing };
  const setAside: SetAside[] = [];
  const findings = counted.filter((finding) => {
    const by = excusable.has(finding) ? excuse(finding, hearing) : undefined;
    if (by === undefined) return true;
    const place = finding.package === undefined ? {} : { package: finding.package.name };
    setAside.push({ finding: finding.id, ...place, by });
    return false;
  });
  return { findings, setAside };
}

function excuse(finding: Finding, hearing: Hearing): SetAside["by"] | undefined {
  const { rule, policy, facts, exemptions } = hearing;
  const exemption = exemptions.finding(rule, finding);
  if (exemption !== undefined) return { exemption };
  const statement = policy.hasVex ? policy.vex(finding, facts) : undefined;
  if (statement === undefined) return undefined;
  const { document, justification } = statement;
  return justification === undefined ? { vex: document } : { vex: document, justification };
}

/** One entry for each finding and package, however often it was counted. */
function distinct(entries: readonly SetAside[]): readonly SetAside[] {
  return [...new Map(entries.map((entry) => [`${entry.finding} ${entry.package ?? ""}`, entry])).values()];
}

function isRunning(subject: Subject, { reference, digest, platformDigest }: ImageFacts): boolean {
  if (reference === undefined) return false;
  const repository = formatRepository(reference);
  return (subject.running ?? []).some(
    (entry) =>
      entry.repository === repository &&
      [digest, platformDigest].some((known) => known !== undefined && entry.digests.includes(known)),
  );
}

function imageDecision(
  reference: string,
  paths: readonly string[],
  scan: ImageScan,
  results: readonly { platform: PlatformScan; rules: readonly RuleResult[] }[],
): ImageDecision {
  const outcomeOf = ({ rules }: { rules: readonly RuleResult[] }) =>
    worst(rules.map(({ outcome }) => outcome));
  const deciding = results.reduce((a, b) => (severer(outcomeOf(b), outcomeOf(a)) ? b : a));
  const { platform, report } = deciding.platform;
  return {
    reference,
    paths,
    ...(scan.digest === undefined ? {} : { digest: scan.digest }),
    ...(platform === undefined ? {} : { platform }),
    state: report.state,
    ...(report.reason === undefined ? {} : { stateReason: report.reason }),
    source: report.source,
    trust: report.trust,
    ...(report.scannedAt === undefined ? {} : { scannedAt: report.scannedAt }),
    findingCount: report.findings.length,
    outcome: outcomeOf(deciding),
    rules:
      results.length === 1
        ? deciding.rules
        : deciding.rules.map((rule, index) =>
            results
              .map((result) => result.rules[index] ?? rule)
              .reduce((a, b) => (severer(b.outcome, a.outcome) ? b : a), rule),
          ),
  };
}

function ignore(): void {}
