import { expect, test } from "vitest";
import { definePolicy, deny, exempt, findings, states } from "../build.ts";
import { checkCase, finding, testPolicy } from "./index.ts";

const policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "d",
      when: findings({ minSeverity: "critical" }),
      onScan: { ...states.audit, absent: "deny" },
    }),
    elsewhere: deny({
      description: "d",
      where: { namespace: "other" },
      when: findings({}),
      onScan: states.strict,
    }),
  },
  exemptions: { e: exempt({ cves: "CVE-2026-9", reason: "r", owner: "o", until: "2027-01-01" }) },
  defaultRule: false,
});
const critical = finding({ severity: "critical" });

testPolicy(test, policy, {
  "denies a critical": {
    image: "r.io/a:1",
    findings: [critical],
    expect: { action: "deny", rules: ["no-criticals"] },
  },
  "admits it in mode audit, with a warning": {
    image: "r.io/a:1",
    findings: [critical],
    mode: "audit",
    expect: { action: "audit" },
  },
  "denies what was never scanned": {
    image: "r.io/a:1",
    report: { state: "absent" },
    expect: { action: "deny", rules: ["no-criticals"] },
  },
  "admits what is exempt, while it is": {
    image: "r.io/a:1",
    findings: [finding({ id: "CVE-2026-9", severity: "critical" })],
    now: "2026-12-31T00:00:00Z",
    expect: { action: "allow" },
  },
});

test("a failure says what each rule made of it", () => {
  const one = {
    image: "r.io/a:1",
    findings: [critical, finding({ id: "CVE-2026-9", severity: "critical" })],
    now: "2026-12-31T00:00:00Z",
    expect: { action: "allow" },
  } as const;
  expect(() => checkCase(policy, one)).toThrow(
    new Error(
      [
        "expected allow, got deny by no-criticals",
        "  elsewhere: allow, out of scope",
        "  no-criticals: deny, 1 finding: CVE-2026-0001; set aside: CVE-2026-9 (e)",
      ].join("\n"),
    ),
  );
});
