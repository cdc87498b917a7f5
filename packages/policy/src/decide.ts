import type { CompiledPolicy, CompiledRule } from "./compile.ts";
import { compilePolicy } from "./compile.ts";
import type { CouldNotTell, Decision, ImageDecision, RuleResult, Ruling, SetAside } from "./decision.ts";
import { exemptionLedger } from "./exemptions.ts";
import type { ActiveExemptions } from "./exemptions.ts";
import type { Finding } from "./finding.ts";
import { formatRepository, parseImageReference } from "./image-reference.ts";
import type { ImageReference } from "./image-reference.ts";
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
    const results = platforms.map((platform) => {
      const facts = imageFacts(parsed.ok ? parsed.reference : undefined, scan, platform);
      const context = { subject, facts, platform, now, exemptions: ledger.active(facts) };
      return { platform, rules: rules.map((rule) => judge(rule, compiled, context)) };
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
  return { rule, where: rule.where(subject), except: rule.except.map((scope) => scope(subject)) };
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
 * cannot be told before the look-up (a digest) counts as one that may.
 */
export function referencesToScan(policy: Policy, subject: Subject): string[] {
  const rules = compilePolicy(policy)
    .rules.filter(({ enabled }) => enabled)
    .map((rule) => bind(rule, subject));
  return [...byReference(subject).keys()].filter((reference) => {
    const parsed = parseImageReference(reference);
    const facts = parsed.ok ? { reference: parsed.reference } : {};
    return rules.some(
      ({ where, except }) =>
        where(facts, ignore) !== false &&
        // Without a digest, an exception by digest is unknown, which does not count as true.
        !except.some((scope) => scope(facts, ignore) === true),
    );
  });
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
  reference: ImageReference | undefined,
  scan: ImageScan,
  platform: PlatformScan,
): ImageFacts {
  return {
    ...(reference === undefined ? {} : { reference }),
    ...(scan.digest === undefined ? {} : { digest: scan.digest }),
    ...(platform.digest === undefined ? {} : { platformDigest: platform.digest }),
  };
}

interface Context {
  subject: Subject;
  facts: ImageFacts;
  platform: PlatformScan;
  now: number;
  exemptions: ActiveExemptions;
}

function judge({ rule, where, except }: BoundRule, policy: CompiledPolicy, context: Context): RuleResult {
  const { subject, facts, platform, exemptions, now } = context;
  const { state } = platform.report;
  let unknown: CouldNotTell[] | undefined;
  const note = (attribute: string) => {
    unknown = [...(unknown ?? []), { attribute }];
  };
  if (!rule.enabled) return leftAlone(rule, platform, "disabled");
  if (where(facts, note) === false) return leftAlone(rule, platform, "out-of-scope");
  if (except.some((scope) => scope(facts, note) === true)) return leftAlone(rule, platform, "excepted");
  const whole = exemptions.whole(rule.name);
  if (whole !== undefined) return { ...leftAlone(rule, platform, "exempt"), exemption: whole };

  let setAside: readonly SetAside[] = nothing;
  const { holds, findings, couldNotTell } = rule.when({
    scan: platform,
    now,
    remaining: (counted) => {
      const left = withoutSetAside(counted, rule.name, policy, context);
      if (left.setAside.length > 0) setAside = distinct([...setAside, ...left.setAside]);
      return left.findings;
    },
  });
  const byState = stateOutcome(rule, state, exemptions);
  const asked = worse(holds ? rule.action : "allow", byState.outcome);
  const outcome = severer(asked, rule.action) ? rule.action : asked;
  const running = outcome === "deny" && rule.admitsRunning(now) && isRunning(subject, facts);
  return result(rule, platform, {
    outcome: running ? "audit" : outcome,
    status: running ? "already-running" : "evaluated",
    matched: holds,
    state: byState,
    findings,
    setAside,
    couldNotTell: unknown === undefined ? couldNotTell : [...unknown, ...couldNotTell],
  });
}

function leftAlone(rule: CompiledRule, platform: PlatformScan, status: RuleResult["status"]): RuleResult {
  return result(rule, platform, {
    outcome: "allow",
    status,
    matched: false,
    state: { state: platform.report.state, outcome: "allow" },
    findings: nothing,
    setAside: nothing,
    couldNotTell: nothing,
  });
}

const nothing: readonly never[] = [];

/** Spelt out, since a decision has hundreds of these. */
function result(
  { name, action }: CompiledRule,
  { platform }: PlatformScan,
  { outcome, status, matched, state, findings, setAside, couldNotTell }: Omit<RuleResult, "rule" | "action">,
): RuleResult {
  return platform === undefined
    ? { rule: name, action, outcome, status, matched, state, findings, setAside, couldNotTell }
    : { rule: name, action, outcome, status, matched, state, findings, setAside, couldNotTell, platform };
}

const scanned: RuleResult["state"] = { state: "complete", outcome: "allow" };

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

function withoutSetAside(
  counted: readonly Finding[],
  rule: string,
  policy: CompiledPolicy,
  { facts, platform, exemptions }: Context,
): Remaining {
  const excusable = policy.excusable(platform.report.findings);
  if (excusable.size === 0 || (exemptions.none && !policy.hasVex))
    return { findings: counted, setAside: nothing };
  const setAside: SetAside[] = [];
  const findings = counted.filter((finding) => {
    if (!excusable.has(finding)) return true;
    const by = excuse(finding, rule, policy, facts, exemptions);
    if (by === undefined) return true;
    const place = finding.package === undefined ? {} : { package: finding.package.name };
    setAside.push({ finding: finding.id, ...place, by });
    return false;
  });
  return { findings, setAside };
}

function excuse(
  finding: Finding,
  rule: string,
  policy: CompiledPolicy,
  facts: ImageFacts,
  exemptions: ActiveExemptions,
): SetAside["by"] | undefined {
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
