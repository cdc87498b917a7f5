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
import type { ImageFacts } from "./scope.ts";
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
  const ledger = exemptionLedger(compiled.exemptions, now);
  const images: ImageDecision[] = [];
  for (const [reference, paths] of byReference(subject)) {
    const parsed = parseImageReference(reference);
    const scan = scans.get(reference) ?? notLookedUp;
    const results = scan.platforms.map((platform) => {
      const facts = imageFacts(parsed.ok ? parsed.reference : undefined, scan, platform);
      const context = { subject, facts, platform, now, exemptions: ledger.active(subject, facts) };
      return { platform, rules: compiled.rules.map((rule) => judge(rule, compiled, context)) };
    });
    images.push(imageDecision(reference, paths, scan, results));
  }
  return { outcome: worst(images.map(({ outcome }) => outcome)), images, exemptions: ledger.results() };
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
  const compiled = compilePolicy(policy);
  return [...byReference(subject).keys()].filter((reference) => {
    const parsed = parseImageReference(reference);
    const facts = parsed.ok ? { reference: parsed.reference } : {};
    return compiled.rules.some(
      (rule) =>
        rule.enabled &&
        rule.where(subject, facts, ignore) !== false &&
        // Without a digest, an exception by digest is unknown, which does not count as true.
        !rule.except.some((scope) => scope(subject, facts, ignore) === true),
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

function judge(rule: CompiledRule, policy: CompiledPolicy, context: Context): RuleResult {
  const { subject, facts, platform, exemptions, now } = context;
  const { state } = platform.report;
  let unknown: CouldNotTell[] | undefined;
  const note = (attribute: string) => {
    unknown = [...(unknown ?? []), { attribute }];
  };
  if (!rule.enabled) return leftAlone(rule, platform, "disabled");
  if (rule.where(subject, facts, note) === false) return leftAlone(rule, platform, "out-of-scope");
  if (rule.except.some((scope) => scope(subject, facts, note) === true))
    return leftAlone(rule, platform, "excepted");
  const whole = exemptions.whole(rule.name);
  if (whole !== undefined) return { ...leftAlone(rule, platform, "exempt"), exemption: whole };

  const setAside: SetAside[] = [];
  const { holds, findings, couldNotTell } = rule.when({
    scan: platform,
    now,
    remaining: (counted) => withoutSetAside(counted, rule.name, policy, context, setAside),
  });
  const byState = stateOutcome(rule, state, exemptions);
  const asked = worse(holds ? rule.action : "allow", byState.outcome);
  const outcome = severer(asked, rule.action) ? rule.action : asked;
  const running = outcome === "deny" && rule.admitsRunning(now) && isRunning(subject, facts);
  return result(rule, platform, {
    outcome: running ? "audit" : outcome,
    status: running ? "already-running" : "evaluated",
    matched: holds,
    state: { state, ...byState },
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
): { outcome: Outcome; exemption?: string } {
  if (state === "complete") return { outcome: "allow" };
  const outcome = rule.onScan[state as IncompleteState];
  if (outcome === "allow") return { outcome };
  const exemption = exemptions.state(rule.name, state);
  return exemption === undefined ? { outcome } : { outcome: "allow", exemption };
}

function withoutSetAside(
  findings: readonly Finding[],
  rule: string,
  policy: CompiledPolicy,
  { facts, exemptions }: Context,
  setAside: SetAside[],
): readonly Finding[] {
  if (exemptions.none && !policy.hasVex) return findings;
  return findings.filter((finding) => {
    const exemption = exemptions.finding(rule, finding);
    const statement = exemption === undefined ? policy.vex(finding, facts) : undefined;
    if (exemption === undefined && statement === undefined) return true;
    if (!setAside.some((entry) => entry.finding === finding.id && entry.package === finding.package?.name))
      setAside.push({
        finding: finding.id,
        ...(finding.package === undefined ? {} : { package: finding.package.name }),
        by:
          statement === undefined
            ? { exemption: exemption ?? "" }
            : {
                vex: statement.document,
                ...(statement.justification === undefined ? {} : { justification: statement.justification }),
              },
      });
    return false;
  });
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
    rules: deciding.rules.map((rule, index) =>
      results
        .map((result) => result.rules[index] ?? rule)
        .reduce((a, b) => (severer(b.outcome, a.outcome) ? b : a), rule),
    ),
  };
}

function ignore(): void {}
