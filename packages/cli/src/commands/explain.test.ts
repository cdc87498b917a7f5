import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../testing/run-cli.ts";

const scans = ["--scans", "packages/cli/src/tour/samples/reports"];
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "explain-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const registry = "registry.example.com";

test("an image that is denied: rules, exemptions and what would change it", async () => {
  expect(await runCli(["explain", `${registry}/shop/checkout:3.0.1`, ...scans])).toMatchInlineSnapshot(`
    {
      "notes": [],
      "out": "registry.example.com/shop/checkout:3.0.1
      digest   sha256:1dfc2ea56f23fbee33054f9c71acbee4e0770f906dc3a454ab66641ba5a42c7d
      scan     complete, ended 2026-11-21T02:30:44Z (31 h ago), by grype 0.104.0, from reports, for linux/amd64
      found    3 findings: 1 critical, 1 high, 1 low
      verdict  denied [GH1001] in namespace default, mode deny

    Rules
      audits   default  High and critical vulnerabilities, and images without a finished scan, are reported
               holds: a finding of high or worse
                 CVE-2026-30021  critical  libwebp 1.5.0-1  fixed in 1.5.0-1+deb13u2 since 2026-09-14
                 CVE-2026-30022  high      express 4.21.0   fixed in 4.21.3 since 2026-11-12
      denies   no-fixable-critical  A critical whose fix is two weeks old does not ship
               holds: a finding of critical or worse, whose fix has been out for 14d
                 CVE-2026-30021  critical  libwebp 1.5.0-1  fixed in 1.5.0-1+deb13u2 since 2026-09-14
      lets in  no-known-exploited  Nothing that is known to be exploited, nor three highs that are likely to be
               does not hold: any of (a finding known to be exploited (unknown does not count); 3 findings of high or worse, with EPSS of 0.5 or more (unknown does not count))
               could not tell: knownExploited of CVE-2026-30021, CVE-2026-30022, CVE-2026-30023

    Exemptions
      curl-in-reports  ended on 2026-10-31: never used
               CVE-2026-20001 for namespace reports from no-fixable-critical until 2026-10-31; team-reports: Waited for the vendor's image
      openssl-in-legacy-billing  not about this: it is for namespace billing and repository billing/legacy-*
               CVE-2026-12345 in openssl for namespace billing and repository billing/legacy-* from no-fixable-critical until 2027-01-31; team-billing: Unreachable: TLS ends at the proxy

    What would change it
      upgrade libwebp from 1.5.0-1 to 1.5.0-1+deb13u2 (CVE-2026-30021)
      upgrade express from 4.21.0 to 4.21.3 (CVE-2026-30022)
      with all of them: admitted
    ",
      "status": 1,
    }
  `);
});

const section = (out: string, name: string) =>
  out.slice(out.indexOf(`${name}\n`) + name.length + 1).split("\n\n")[0];

test("an exemption that ended would help, if it were renewed", async () => {
  const ran = await runCli(["explain", `${registry}/reports/nightly:2026.10`, "-n", "reports", ...scans]);
  expect([ran.status, section(ran.out, "What would change it")]).toMatchInlineSnapshot(`
    [
      1,
      "  upgrade curl from 8.14.1-2 to 8.14.1-2+deb13u1 (CVE-2026-20001)
      with it: admitted
      exemption curl-in-reports, which ended on 2026-10-31, made to last: audited
    ",
    ]
  `);
});

test("an exemption in use: what comes when it ends", async () => {
  const ran = await runCli(["explain", `${registry}/billing/legacy-invoices:7.8`, "-n", "billing", ...scans]);
  expect([ran.status, section(ran.out, "What would change it")]).toMatchInlineSnapshot(`
    [
      0,
      "  upgrade openssl from 3.0.11-1 to 3.0.18-1 (CVE-2026-12345)
      with it: admitted
      once exemption openssl-in-legacy-billing ends (2027-01-31, in 70 days): denied
    ",
    ]
  `);
});

test("an image that nobody scanned", async () => {
  const ran = await runCli(["explain", `${registry}/shop/debug`, ...scans]);
  expect([ran.status, section(ran.out, "What would change it")]).toMatchInlineSnapshot(`
    [
      1,
      "  a finished scan that finds no more than is known: admitted
        Have the image scanned: check that scanning is on for its repository, or push it again where scanning happens on push.
    ",
    ]
  `);
});

test("an image that is clean", async () => {
  const ran = await runCli(["explain", `${registry}/shop/web:1.4.0`, ...scans]);
  expect([ran.status, section(ran.out, "What would change it")]).toEqual([
    0,
    "  nothing has to: it is admitted\n",
  ]);
});

test("what was not said of the Pod is unknown: rules that ask for it apply", async () => {
  const policy = join(folder, "policy.ts");
  writeFileSync(
    policy,
    `import { definePolicy, deny, findings, states } from "@gatehouse/policy";
     export default definePolicy({ defaultRule: false, rules: { labelled: deny({
       description: "d", when: findings({ severity: "medium" }), onScan: states.audit,
       where: { labels: { tier: "prod" }, pod: "web-*", workload: { kind: "Deployment" } } }) } });`,
  );
  const image = `${registry}/shop/web:1.4.0`;
  const explain = async (...more: string[]) => {
    const ran = await runCli(["explain", image, "--policy", policy, ...scans, "-o", "json", ...more]);
    const { ruling } = JSON.parse(ran.out) as {
      ruling: { images: { rules: { status: string; couldNotTell: { attribute: string }[] }[] }[] };
    };
    const rule = ruling.images[0]?.rules[0];
    return [ran.status, rule?.status, rule?.couldNotTell.map(({ attribute }) => attribute)];
  };
  expect(await explain()).toEqual([1, "evaluated", ["workload", "pod", "labels"]]);
  expect(await explain("--label", "tier=prod")).toEqual([1, "evaluated", ["workload", "pod"]]);
  expect(await explain("--label", "tier=dev")).toEqual([0, "out-of-scope", []]);
  expect(await explain("--workload", "Job/x")).toEqual([0, "out-of-scope", []]);
});

test("a finding without a fix: only an exemption helps", async () => {
  const policy = join(folder, "all.ts");
  writeFileSync(
    policy,
    `import { definePolicy, deny, findings, states } from "@gatehouse/policy";
     export default definePolicy({ rules: { all: deny({ description: "d", when: findings({}), onScan: states.audit }) } });`,
  );
  const image = `${registry}/shop/web:1.4.0`;
  const ran = await runCli(["explain", image, "--policy", policy, ...scans]);
  expect([ran.status, section(ran.out, "What would change it")]).toMatchInlineSnapshot(`
    [
      1,
      "  upgrade tar from 1.35 to 1.35-4 (CVE-2026-30003)
      with it: denied
      no fix is known for CVE-2026-30002
      an exemption: Ask your platform team for an exemption.
    ",
    ]
  `);
});

test("without reports nothing can be told", async () => {
  const ran = await runCli(["explain", `${registry}/shop/web:1.4.0`, "-o", "json"]);
  const { ruling, changes } = JSON.parse(ran.out) as { ruling: { action: string }; changes: unknown };
  expect([ran.status, ruling.action, changes]).toEqual([2, "audit", [{ kind: "scan", outcome: "allow" }]]);
});

test.each([
  [["explain", "Not An Image"], /expected|must/],
  [["explain", "web", "--workload", "web"], /expected Kind\/name/],
])("%j is not understood", async (args, problem) => {
  const ran = await runCli(args);
  expect(ran.status).toBe(3);
  expect(ran.notes[0]).toMatch(problem);
});
