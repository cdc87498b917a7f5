import { isConfirmed, tagsToConfirm } from "./claimed-tag.ts";
import { compilePolicy } from "./compile.ts";
import type { Decision, ImageDecision, RuleResult, Ruling } from "./decision.ts";
import { exemptionLedger } from "./exemptions.ts";
import { bindRule, hear } from "./hearing.ts";
import { parseImageReference, type ParsedImageReference } from "./image-reference.ts";
import type { Mode, Outcome, Policy } from "./model.ts";
import { severer, worse, worst } from "./outcome.ts";
import type { ImageScan, PlatformScan, Scans } from "./scan.ts";
import { unscanned } from "./scan.ts";
import type { ImageFacts } from "./scope.ts";
import type { Subject } from "./subject.ts";

export { severer, worst } from "./outcome.ts";

/**
 * The only judge: admission, background, impact, replay and command line all call it. Pure: the same arguments give
 * the same decision. It knows no mode; see `applyMode`.
 *
 * @param scans what is known of each image reference as written; a missing one counts as `unavailable`
 * @param now milliseconds since the epoch
 */
export function decide(policy: Policy, subject: Subject, scans: Scans, now: number): Decision {
  return bindPolicy(policy, subject).decide(scans, now);
}

/**
 * The references of a subject that some enabled rule may ask about: the only ones worth a look-up. A scope that
 * cannot be told before the look-up (a digest) counts as one that may. Where the policy goes by tags, a tag that stands
 * beside a digest is looked up by itself, too: only that tells whether it names the digest.
 */
export function referencesToScan(policy: Policy, subject: Subject): string[] {
  return bindPolicy(policy, subject).referencesToScan();
}

/** A policy whose scopes know the subject, for a caller who asks both questions. */
export interface BoundPolicy {
  /** See `referencesToScan`. */
  referencesToScan(): string[];
  /** See `decide`. */
  decide(scans: Scans, now: number): Decision;
}

/** Binds a policy to a subject. */
export function bindPolicy(policy: Policy, subject: Subject): BoundPolicy {
  const compiled = compilePolicy(policy);
  const rules = compiled.rules.map((rule) => bindRule(rule, subject));
  const uses = usesOf(subject);

  function mayBeAsked({ parsed }: Use): boolean {
    const facts = parsed.ok ? { reference: parsed.reference } : {};
    return rules.some(
      ({ rule, where, except }) =>
        rule.enabled &&
        where(facts, ignore) !== false &&
        // Without a digest, an exception by digest is unknown, which does not count as true.
        !except.some((scope) => scope(facts, ignore) === true),
    );
  }

  return {
    referencesToScan() {
      const asked = uses.filter(mayBeAsked).map(({ reference }) => reference);
      const tags = tagsToConfirm(policy, asked);
      return tags.length === 0 ? asked : [...new Set([...asked, ...tags])];
    },
    decide(scans, now) {
      const ledger = exemptionLedger(compiled.exemptions, subject, now);
      const images = uses.map((use): ImageDecision => {
        const { parsed } = use;
        const scan = scans.get(use.reference) ?? notLookedUp;
        const platforms = scan.platforms.length === 0 ? notLookedUp.platforms : scan.platforms;
        const named = parsed.ok
          ? { reference: parsed.reference, tagConfirmed: isConfirmed(parsed.reference, scans) }
          : {};
        const results = platforms.map((platform) => {
          const facts = imageFacts(named, scan, platform);
          const exemptions = ledger.active(facts);
          const heard = hear(rules, { policy: compiled, subject, facts, scan: platform, exemptions, now });
          return { platform, rules: heard, outcome: outcomeOf(heard) };
        });
        return imageDecision(use, scan, results);
      });
      return { outcome: worst(images.map(({ outcome }) => outcome)), images, exemptions: ledger.results() };
    },
  };
}

/** Caps a decision at what the cluster's mode allows. The one place where mode acts, after evaluation. */
export function applyMode(decision: Decision, mode: Mode): Ruling {
  const action = mode === "audit" && decision.outcome === "deny" ? "audit" : decision.outcome;
  return { ...decision, mode, action, inDenyMode: decision.outcome };
}

const notLookedUp = unscanned("unavailable", "no look-up was made", "none");

/** One image reference of a subject, and every place that names it. */
interface Use {
  reference: string;
  parsed: ParsedImageReference;
  paths: string[];
}

function usesOf(subject: Subject): Use[] {
  const uses = new Map<string, Use>();
  for (const { reference, path } of subject.images) {
    const use = uses.get(reference);
    if (use) use.paths.push(path);
    else uses.set(reference, { reference, parsed: parseImageReference(reference), paths: [path] });
  }
  return [...uses.values()];
}

function imageFacts(
  named: Pick<ImageFacts, "reference" | "tagConfirmed">,
  scan: ImageScan,
  platform: PlatformScan,
): ImageFacts {
  const facts: ImageFacts = { ...named };
  if (scan.digest !== undefined) facts.digest = scan.digest;
  if (platform.digest !== undefined) facts.platformDigest = platform.digest;
  return facts;
}

/** What the rules made of one platform. */
interface PlatformResult {
  platform: PlatformScan;
  rules: readonly RuleResult[];
  outcome: Outcome;
}

function outcomeOf(rules: readonly RuleResult[]): Outcome {
  let outcome: Outcome = "allow";
  for (const rule of rules) outcome = worse(outcome, rule.outcome);
  return outcome;
}

function imageDecision(
  { reference, paths }: Use,
  scan: ImageScan,
  results: readonly PlatformResult[],
): ImageDecision {
  const deciding = results.reduce((a, b) => (severer(b.outcome, a.outcome) ? b : a));
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
    outcome: deciding.outcome,
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
