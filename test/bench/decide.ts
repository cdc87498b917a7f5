/** How the cost of one decision grows when there are ten times as many rules, exemptions or findings. */
import { decide, definePolicy, deny, exempt, findings, states } from "@gatehouse/policy";
import type { Finding, ImageScan, Policy, Rule, Scope, Subject } from "@gatehouse/policy";
import { alternate, median, rounded } from "./figures.ts";
import type { Figure } from "./figures.ts";

interface Size {
  rules: number;
  exemptions: number;
  findings: number;
  /** Whether rules and exemptions beyond the first fifty are about another namespace. */
  elsewhere?: boolean;
}

const base: Size = { rules: 50, exemptions: 50, findings: 200 };
const severities = ["critical", "high", "medium", "low"] as const;
const now = Date.parse("2026-11-22T00:00:00Z");

const subject: Subject = {
  cluster: { name: "bench" },
  namespace: { name: "shop", labels: {} },
  object: { kind: "Deployment", name: "api", labels: {} },
  pod: "api-",
  workload: { resolved: true, kind: "Deployment", name: "api" },
  images: Array.from({ length: 5 }, (_, index) => ({
    path: `spec.template.spec.containers[${index}].image`,
    reference: `registry.example.com/shop/api-${index}:1`,
    name: `c${index}`,
    kind: "container" as const,
  })),
};

function policyOf({ rules, exemptions, elsewhere }: Size): Policy {
  const place = (index: number): { where?: Scope } =>
    elsewhere && index >= 50 ? { where: { namespace: "elsewhere" } } : {};
  const entries = <T>(count: number, make: (index: number) => T) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, make(index)]));
  return definePolicy({
    rules: entries<Rule>(rules, (index) =>
      deny({
        description: "a rule",
        ...place(index),
        when: findings({ minSeverity: "high", fixAvailableFor: "14d", cves: [`CVE-2026-${index % 10}*`] }),
        onScan: states.audit,
      }),
    ),
    exemptions: entries(exemptions, (index) =>
      exempt({
        cves: [`CVE-2026-${index}`],
        where: { repository: "shop/*", ...place(index).where },
        reason: "a reason",
        owner: "an owner",
        permanent: true,
      }),
    ),
  });
}

function scansOf({ findings: count }: Size): ReadonlyMap<string, ImageScan> {
  const digest = `sha256:${"1".repeat(64)}`;
  return new Map(
    subject.images.map(({ reference }, image) => {
      const list = Array.from({ length: count }, (_, index): Finding => ({
        id: `CVE-2026-${index * 5 + image}`,
        severity: severities[index % 4] ?? "low",
        package: { name: `package-${index % 40}`, version: "1", type: "deb" },
        fix: { available: true, version: "2", since: "2026-10-01T00:00:00Z" },
      }));
      const report = {
        state: "complete" as const,
        source: "bench",
        trust: { kind: "source" as const },
        scannedAt: "2026-11-21T00:00:00Z",
        findings: list,
      };
      return [reference, { digest, platforms: [{ platform: "linux/amd64", digest, report }] }];
    }),
  );
}

/** A decision on reports that were never seen before, so that nothing of an earlier one helps. */
function cold(size: Size): () => void {
  const policy = policyOf(size);
  return () => void decide(policy, subject, scansOf(size), now);
}

/** The making of the reports themselves, which is no part of a decision. */
function reports(size: Size): () => void {
  return () => void scansOf(size);
}

export async function* bench(): AsyncIterable<Figure> {
  const sizes = {
    rules: { ...base, rules: 500 },
    exemptions: { ...base, exemptions: 500 },
    findings: { ...base, findings: 2000 },
    rules_elsewhere: { ...base, rules: 500, elsewhere: true },
    exemptions_elsewhere: { ...base, exemptions: 500, elsewhere: true },
  };
  for (const [name, size] of Object.entries(sizes)) {
    const runs = {
      small: cold(base),
      large: cold(size),
      smallReports: reports(base),
      largeReports: reports(size),
    };
    alternate(runs, 20);
    const times = alternate(runs, 60);
    const small = median(times.small) - median(times.smallReports);
    const large = median(times.large) - median(times.largeReports);
    yield {
      figure: `growth_${name}`,
      value: rounded(large / small),
      unit: "times",
      aim: name.endsWith("elsewhere") ? "far below 11" : "11 or less",
      baseline: `${rounded(small * 1000)} µs for 50 rules, 50 exemptions, 5 images of 200 findings`,
    };
  }
}
