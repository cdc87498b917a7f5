/**
 * For those who write rules: tests of a policy against reports of their own, in vitest, node:test or anything whose
 * `test` takes a name and a function.
 *
 * @module
 * @example
 * import { test } from "node:test";
 * import { finding, testPolicy } from "@gatehouse/policy/testing";
 * import policy from "./policy.ts";
 *
 * testPolicy(test, policy, {
 *   "a fixable critical does not ship": {
 *     image: "ghcr.io/acme/api:1.2",
 *     findings: [finding({ severity: "critical", fix: { available: true, since: "2026-01-01T00:00:00Z" } })],
 *     expect: { action: "deny", rules: ["no-fixable-critical"] },
 *   },
 *   "a clean image does": { image: "ghcr.io/acme/api:1.3", findings: [], expect: { action: "allow" } },
 * });
 */
import { applyMode, decide } from "../decide.ts";
import type { ImageDecision, RuleResult, Ruling } from "../decision.ts";
import type { Finding } from "../finding.ts";
import { because } from "../reasons.ts";
import type { Mode, Outcome, Policy } from "../model.ts";
import type { Platform, ScanReport, Scans } from "../scan.ts";
import type { Subject } from "../subject.ts";

/** One image in one workload, and what a policy should make of it. */
export interface PolicyCase {
  /** The reference as written. */
  image: string;
  /** `sha256:…`. @default a digest made of zeros */
  digest?: string;
  platform?: Platform;
  /** When the image was built. */
  createdAt?: string;
  /** Its findings; the scan is complete then. */
  findings?: readonly Finding[];
  /** More of its report, or all of it: one that `parseReport` of `@gatehouse/scans` read, say. */
  report?: Partial<ScanReport>;
  /** @default "default" */
  namespace?: string;
  namespaceLabels?: Readonly<Record<string, string>>;
  /** @default { name: "test" } */
  cluster?: Subject["cluster"];
  /** Top owner. @default a Deployment named "test" */
  workload?: { kind: string; name: string };
  labels?: Readonly<Record<string, string>>;
  /** Digests on record as running. */
  running?: Subject["running"];
  /** The time at which it is judged, RFC 3339. @default now */
  now?: string;
  /** @default "deny" */
  mode?: Mode;
  expect: {
    action: Outcome;
    /** The rules that ask for that action, in any order; left out, any may. */
    rules?: readonly string[];
  };
}

/** A finding of a test: everything has a value but what you name, so that nothing is unknown by accident. */
export function finding(over: Partial<Finding> = {}): Finding {
  return {
    id: "CVE-2026-0001",
    severity: "low",
    package: { name: "example", version: "1.0.0", type: "deb" },
    fix: { available: false },
    cvss: 3,
    epss: 0.001,
    knownExploited: false,
    publishedAt: "2026-01-01T00:00:00Z",
    firstSeenAt: "2026-01-01T00:00:00Z",
    ...over,
  };
}

/** Declares one test for each case. */
export function testPolicy(
  test: (name: string, run: () => void) => unknown,
  policy: Policy,
  cases: Readonly<Record<string, PolicyCase>>,
): void {
  for (const [name, one] of Object.entries(cases)) test(name, () => checkCase(policy, one));
}

/** Judges one case. @throws Error that says what each rule made of it, when that is not what was expected */
export function checkCase(policy: Policy, one: PolicyCase): void {
  const ruling = judgeCase(policy, one);
  const rules = ruling.images
    .flatMap((image) => image.rules)
    .filter(({ outcome }) => outcome === ruling.outcome && outcome !== "allow")
    .map(({ rule }) => rule)
    .sort();
  const wanted = one.expect.rules === undefined ? undefined : [...one.expect.rules].sort();
  const asExpected =
    ruling.action === one.expect.action && (wanted === undefined || wanted.join() === rules.join());
  if (asExpected) return;
  const by = (list: readonly string[]) => (list.length === 0 ? "" : ` by ${list.join(", ")}`);
  throw new Error(
    [
      `expected ${one.expect.action}${by(wanted ?? [])}, got ${ruling.action}${by(rules)}`,
      ...ruling.images.flatMap((image) => image.rules.map((rule) => `  ${explain(image, rule)}`)),
    ].join("\n"),
  );
}

/** What the policy makes of a case, for tests that want to look closer. */
export function judgeCase(policy: Policy, one: PolicyCase): Ruling {
  const now = one.now === undefined ? Date.now() : Date.parse(one.now);
  return applyMode(decide(policy, subjectOf(one), scansOf(one, now), now), one.mode ?? "deny");
}

function explain(image: ImageDecision, rule: RuleResult): string {
  const why =
    rule.status !== "evaluated"
      ? rule.status.replaceAll("-", " ")
      : rule.outcome === "allow"
        ? "its condition does not hold"
        : because(image, rule);
  const aside = rule.setAside.map(({ finding: id, by }) => `${id} (${"vex" in by ? by.vex : by.exemption})`);
  return `${rule.rule}: ${rule.outcome}, ${why}${aside.length === 0 ? "" : `; set aside: ${aside.join(", ")}`}`;
}

function subjectOf(one: PolicyCase): Subject {
  const workload = one.workload ?? { kind: "Deployment", name: "test" };
  return {
    cluster: one.cluster ?? { name: "test" },
    namespace: { name: one.namespace ?? "default", labels: one.namespaceLabels ?? {} },
    object: { kind: "Pod", name: `${workload.name}-1`, labels: one.labels ?? {} },
    pod: `${workload.name}-1`,
    workload: { resolved: true, ...workload },
    images: [{ path: "spec.containers[0].image", reference: one.image, name: "test", kind: "container" }],
    ...(one.running === undefined ? {} : { running: one.running }),
  };
}

function scansOf(one: PolicyCase, now: number): Scans {
  const digest = one.digest ?? `sha256:${"0".repeat(64)}`;
  const report: ScanReport = {
    state: "complete",
    source: "test",
    trust: { kind: "source" },
    scannedAt: new Date(now).toISOString(),
    findings: one.findings ?? [],
    ...one.report,
  };
  const platform = {
    digest,
    ...(one.platform === undefined ? {} : { platform: one.platform }),
    ...(one.createdAt === undefined ? {} : { createdAt: one.createdAt }),
    report,
  };
  return new Map([[one.image, { digest, platforms: [platform] }]]);
}
