import {
  decide,
  definePolicy,
  deny,
  exempt,
  findings,
  incompleteStates,
  states,
  type Policy,
  type Regime,
  type Rule,
  type ScanReport,
  type Subject,
} from "@gatehouse/policy";
import { describe, expect, test } from "vitest";
import { widenings } from "./widenings.ts";

const rule: Rule = deny({
  description: "No criticals",
  where: { cluster: { labels: { tier: "prod" } } },
  except: [{ namespace: "sandbox" }, { namespace: "test" }],
  when: findings({ minSeverity: "critical" }),
  onScan: { ...states.audit, absent: "deny" },
  running: { admitUntil: "2027-03-01" },
});
const exemption = exempt({
  reason: "Unreachable",
  owner: "team",
  cves: ["CVE-2026-1"],
  where: { namespace: "billing" },
  until: "2027-01-31",
});

function policy(rules: Record<string, Rule>, exemptions: Policy["exemptions"] = {}): Policy {
  return definePolicy({ rules, exemptions });
}

const inForce: Regime = { mode: "deny", policy: policy({ no: rule }, { one: exemption }) };
const becomes = (rules: Record<string, Rule>, exemptions: Policy["exemptions"] = { one: exemption }) =>
  widenings(inForce, { mode: "deny", policy: policy(rules, exemptions) });

describe("denies nothing new", () => {
  test.each<[string, Regime | undefined, Regime]>([
    ["the same", inForce, inForce],
    ["mode audit after deny", inForce, { ...inForce, mode: "audit" }],
    ["mode audit at first", undefined, { ...inForce, mode: "audit" }],
    ["no rule that denies", undefined, { mode: "deny", policy: policy({}) }],
  ])("%s", (_, before, after) => {
    expect(widenings(before, after)).toEqual([]);
  });

  test.each<[string, Record<string, Rule>, Policy["exemptions"]?]>([
    ["a rule that only audits now", { no: { ...rule, action: "audit", onScan: states.audit } }],
    ["a rule that is off", { no: { ...rule, enabled: false } }],
    ["no rule any more", {}],
    ["another description", { no: { ...rule, description: "Other words" } }],
    [
      "one more exception",
      { no: { ...rule, except: [{ namespace: "x" }, { namespace: "test" }, { namespace: "sandbox" }] } },
    ],
    ["a milder state", { no: { ...rule, onScan: { ...states.audit, absent: "audit" } } }],
    ["a longer grace", { no: { ...rule, running: { admitUntil: "2027-04-01" } } }],
    ["one more exemption", { no: rule }, { one: exemption, two: { ...exemption, cves: ["CVE-2026-2"] } }],
    [
      "a longer exemption of another owner",
      { no: rule },
      { one: { ...exemption, until: "2027-02-01", owner: "b" } },
    ],
  ])("%s", (_, rules, exemptions) => {
    expect(becomes(rules, exemptions)).toEqual([]);
  });
});

describe("might deny more", () => {
  test.each<[string, Record<string, Rule>, Policy["exemptions"] | undefined, string[]]>([
    ["a new rule", { no: rule, two: rule }, undefined, ["rule two did not deny before"]],
    [
      "another condition",
      { no: { ...rule, when: findings({ minSeverity: "high" }) } },
      undefined,
      ["rule no has another condition"],
    ],
    ["a wider scope", { no: { ...rule, where: {} } }, undefined, ["rule no has another scope"]],
    [
      "a lost exception",
      { no: { ...rule, except: { namespace: "sandbox" } } },
      undefined,
      ["rule no leaves less out of its scope"],
    ],
    [
      "a stricter state",
      { no: { ...rule, onScan: { ...states.audit, absent: "deny", stale: "deny" } } },
      undefined,
      ["rule no is stricter about scan state stale"],
    ],
    [
      "a shorter grace",
      { no: { ...rule, running: { admitUntil: "2027-02-01" } } },
      undefined,
      ["rule no admits what runs for a shorter time"],
    ],
    ["a lost exemption", { no: rule }, {}, ["exemption one is gone"]],
    [
      "a shorter exemption",
      { no: rule },
      { one: { ...exemption, until: "2027-01-01" } },
      ["exemption one ends sooner"],
    ],
    [
      "a narrower exemption",
      { no: rule },
      { one: { ...exemption, packages: ["openssl"] } },
      ["exemption one is about something else"],
    ],
  ])("%s", (_, rules, exemptions, reasons) => {
    expect(becomes(rules, exemptions)).toEqual(reasons);
  });

  test.each<[string, Regime | undefined]>([
    ["a first install", undefined],
    ["mode deny after audit", { ...inForce, mode: "audit" }],
  ])("%s", (_, before) => {
    expect(widenings(before, inForce)).toEqual(["rule no would deny, and nothing is known to deny yet"]);
  });
});

/** A Pod in a namespace of a cluster. */
function pod(namespace: string, tier: string): Subject {
  return {
    cluster: { name: "c", labels: { tier } },
    namespace: { name: namespace, labels: {} },
    object: { kind: "Pod", name: "p", labels: {} },
    workload: { resolved: true, kind: "Pod", name: "p" },
    pod: "p",
    images: [
      { path: "spec.containers[0].image", reference: "r.example/app:1", name: "a", kind: "container" },
    ],
  };
}

const digest = `sha256:${"a".repeat(64)}`;
const reports: ScanReport[] = [
  ...incompleteStates.map((state) => ({
    state,
    source: "s",
    trust: { kind: "source" as const },
    findings: [],
  })),
  ...["CVE-2026-1", "CVE-2026-2"].map((id) => ({
    state: "complete" as const,
    source: "s",
    trust: { kind: "source" as const },
    scannedAt: "2026-11-30T00:00:00Z",
    findings: [{ id, severity: "critical" as const, package: { name: "openssl", version: "1" } }],
  })),
];

test("whatever decide newly denies is named, over pairs of policies, places and scans", () => {
  const { except: _, ...everywhere } = rule;
  const variants: Policy[] = [
    inForce.policy,
    policy({ no: rule }),
    policy({ no: rule }, { one: { ...exemption, cves: ["CVE-2026-2"] } }),
    policy({ no: { ...rule, onScan: states.strict } }, { one: exemption }),
    policy({ no: { ...rule, where: {} } }, { one: exemption }),
    policy({ no: everywhere }),
    policy({ no: { ...rule, enabled: false } }, { one: exemption }),
    policy({ no: { ...rule, onScan: states.lenient } }),
    policy({}),
  ];
  const now = Date.parse("2026-12-01T00:00:00Z");
  const denies = (which: Policy, subject: Subject, report: ScanReport) =>
    decide(which, subject, new Map([["r.example/app:1", { digest, platforms: [{ digest, report }] }]]), now)
      .outcome === "deny";
  let newlyDenied = 0;
  for (const before of variants)
    for (const after of variants)
      for (const subject of ["sandbox", "test", "shop", "billing"].flatMap((name) => [
        pod(name, "prod"),
        pod(name, "dev"),
      ]))
        for (const report of reports) {
          if (!denies(after, subject, report) || denies(before, subject, report)) continue;
          newlyDenied += 1;
          expect(widenings({ policy: before, mode: "deny" }, { policy: after, mode: "deny" })).not.toEqual(
            [],
          );
        }
  expect(newlyDenied).toBeGreaterThan(100);
});
