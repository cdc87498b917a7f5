import {
  applyMode,
  audit,
  decide,
  definePolicy,
  deny,
  findings,
  states,
  type Finding,
} from "@gatehouse/policy";
import { expect, test } from "vitest";
import { critical, now, scanned } from "../../testing/fixtures.ts";
import { reasonsOf } from "./survey.ts";

const high: Finding = { ...critical, id: "CVE-2026-0002", severity: "high" };

test("reasons name each rule and finding with the worst that it leads to, the worst first", () => {
  const policy = definePolicy({
    rules: {
      "all-that-is-high": audit({ description: "told of", when: findings({ minSeverity: "high" }) }),
      "no-criticals": deny({
        description: "does not ship",
        when: findings({ minSeverity: "critical" }),
        onScan: states.strict,
      }),
      "nothing-of-2020": deny({
        description: "matches nothing",
        when: findings({ cves: ["CVE-2020-*"] }),
        onScan: states.strict,
      }),
    },
    defaultRule: false,
  });
  const reference = "registry.example/web:1";
  const subject = {
    cluster: { name: "test" },
    namespace: { name: "shop" },
    object: { kind: "Pod", name: "web", labels: {} },
    pod: "web",
    workload: { resolved: true, kind: "Pod", name: "web" } as const,
    images: [{ path: "spec.containers[0].image", reference, name: "c", kind: "container" as const }],
  };
  const scans = new Map([[reference, scanned([high, critical])]]);
  // The mode changes nothing of the reasons.
  for (const mode of ["audit", "deny"] as const)
    expect(reasonsOf(applyMode(decide(policy, subject, scans, now), mode))).toEqual({
      rules: [
        { rule: "no-criticals", outcome: "deny" },
        { rule: "all-that-is-high", outcome: "audit" },
      ],
      findings: [
        { finding: critical, outcome: "deny" },
        { finding: high, outcome: "audit" },
      ],
      exemptions: [],
      about: [],
    });
});
