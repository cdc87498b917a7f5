import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Hex } from "@gatehouse/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../testing/run-cli.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "policy-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(
    file,
    `import { allOf, anyOf, audit, definePolicy, deny, exempt, findings, imageOlderThan, scanOlderThan, states, unsignedReport } from "@gatehouse/policy"; export default definePolicy(${text});`,
  );
  return file;
};

const before = () =>
  write(
    "before.ts",
    `{
      rules: {
        strict: deny({ description: "d", when: findings({ minSeverity: "critical" }), onScan: states.audit }),
        gone: audit({ description: "g", when: anyOf(unsignedReport(), scanOlderThan("7d")) }),
        odd: deny({
          description: "o", enabled: false, onScan: states.strict, except: { labels: { skip: "yes" } },
          where: { cluster: { name: "prod-*", labels: { tier: "a" } }, namespace: { name: "x", labels: { y: "z" } }, workload: { kind: "Job", name: "j" } },
          when: allOf(imageOlderThan("90d"), findings({ atLeast: 2, severity: ["high", "unknown"], knownExploited: false, fixAvailable: true, packages: ["a", "b*"], minCvss: 7, not: { cves: "CVE-2026-1" } })),
          running: { admitUntil: "2027-03-01" },
        }),
      },
      exemptions: {
        one: exempt({ rules: ["strict"], cves: "CVE-2026-1", packages: ["ssl"], reason: "r", owner: "o", until: "2027-01-31" }),
        two: exempt({ where: { namespace: ["a", "b"] }, states: ["absent"], reason: "r", owner: "o", ticket: "T-1", permanent: true }),
      },
    }`,
  );
const after = () =>
  write(
    "after.ts",
    `{
      rules: {
        strict: deny({ description: "d", when: findings({ minSeverity: "high" }), onScan: { ...states.audit, absent: "deny" }, except: { namespace: "sandbox-*" } }),
        odd: deny({ description: "o", onScan: states.strict, when: findings({}) }),
        fresh: audit({ description: "f", when: findings({ minEpss: 0.5, ifUnknown: "skip" }) }),
      },
      exemptions: {
        one: exempt({ rules: ["strict"], cves: "CVE-2026-1", packages: ["ssl"], reason: "r", owner: "p", until: "2027-06-30", untilFixed: true }),
      },
      exemptionHelp: "Write to security.",
    }`,
  );

test("a policy in words", async () => {
  const ran = await runCli(["policy", before()]);
  expect({ ...ran, out: ran.out.split("SHA-256")[0] }).toMatchInlineSnapshot(`
    {
      "notes": [],
      "out": "Rules
      default  High and critical vulnerabilities, and images without a finished scan, are reported
        audits a finding of high or worse
      strict  d
        denies a finding of critical or worse and audits every scan that is not complete
      gone  g
        audits any of (a report that nobody vouches for; a scan older than 7d)
      odd  o
        denies all of (an image older than 90d; 2 findings of high or unknown, with CVSS of 7 or more, not known to be exploited, with a fix, in a or b*, but not named CVE-2026-1) in cluster name prod-* and cluster label tier=a and namespace x and namespace label y=z and workload kind Job and workload j except label skip=yes and denies every scan that is not complete while what runs is admitted until 2027-03-01 (disabled)
    Exemptions
      one  o: r
        CVE-2026-1 in ssl everywhere from strict until 2027-01-31
      two  o: r, T-1
        scans that are absent for namespace a or b from all rules permanently
    Warnings
      rules.odd.except: whoever creates an object chooses its labels, and so whether this rule applies; name a namespace or an image besides [GH3041]
      rules.odd.where: whoever creates an object chooses its workload, and so can keep out of this rule [GH3041]
    ",
      "status": 0,
    }
  `);
});

test("the canonical JSON is what the hash is of", async () => {
  const text = await runCli(["policy", before()]);
  const json = await runCli(["policy", before(), "-o", "json"]);
  expect(text.out).toContain(`SHA-256 ${sha256Hex(json.out)}\n`);
  expect(json.notes).toEqual([
    "warning: rules.odd.except: whoever creates an object chooses its labels, and so whether this rule applies; name a namespace or an image besides [GH3041]",
    "warning: rules.odd.where: whoever creates an object chooses its workload, and so can keep out of this rule [GH3041]",
  ]);
  writeFileSync(join(folder, "before.json"), json.out);
  const diff = await runCli(["policy", "diff", before(), join(folder, "before.json")]);
  expect(diff).toEqual({ status: 0, out: "The policies are the same.\n", notes: [] });
});

test("the difference between two policies in words", async () => {
  expect(await runCli(["policy", "diff", before(), after()])).toMatchInlineSnapshot(`
    {
      "notes": [],
      "out": "rule strict: except nothing -> namespace sandbox-*
    rule strict: holds for a finding of critical or worse -> a finding of high or worse
    rule strict: on scans audits every scan that is not complete -> denies absent, audits other scans that are not complete
    rule gone removed: it audits any of (a report that nobody vouches for; a scan older than 7d)
    rule odd: enabled
    rule odd: applies to cluster name prod-* and cluster label tier=a and namespace x and namespace label y=z and workload kind Job and workload j -> everything
    rule odd: except label skip=yes -> nothing
    rule odd: holds for all of (an image older than 90d; 2 findings of high or unknown, with CVSS of 7 or more, not known to be exploited, with a fix, in a or b*, but not named CVE-2026-1) -> a finding
    rule odd: what runs is admitted until 2027-03-01 -> never
    rule fresh added: audits a finding with EPSS of 0.5 or more (unknown does not count)
    exemption one: CVE-2026-1 in ssl everywhere from strict until 2027-01-31 -> CVE-2026-1 in ssl everywhere from strict until 2027-06-30 or until there is a fix
    exemption one: owner o -> p
    exemption two removed: it took out scans that are absent for namespace a or b from all rules permanently
    the help on exemptions is now: Write to security.
    ",
      "status": 0,
    }
  `);
});

test("a policy that is wrong: everything that is, at once", async () => {
  const file = write(
    "wrong.ts",
    `{ rules: { Strict: 3, two: deny({ description: "d", when: findings({ minSeverity: "sever" }), onScan: {} }) } }`,
  );
  const ran = await runCli(["policy", file]);
  expect(ran.status).toBe(3);
  expect(ran.notes.join("\n").replaceAll(folder, "")).toMatchInlineSnapshot(`
    "/wrong.ts has 9 problems [GH3004]:
      rules.Strict: not a valid name; expected lower-case letters, digits and dashes, at most 63
      rules.two.when.findings.minSeverity: expected "critical" or "high" or "medium" or "low" or "negligible", got "sever"
      rules.two.onScan.pending: expected "allow" or "audit" or "deny", got nothing
      rules.two.onScan.partial: expected "allow" or "audit" or "deny", got nothing
      rules.two.onScan.failed: expected "allow" or "audit" or "deny", got nothing
      rules.two.onScan.unsupported: expected "allow" or "audit" or "deny", got nothing
      rules.two.onScan.absent: expected "allow" or "audit" or "deny", got nothing
      rules.two.onScan.stale: expected "allow" or "audit" or "deny", got nothing
      rules.two.onScan.unavailable: expected "allow" or "audit" or "deny", got nothing"
  `);
});
