import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository, runCli } from "../testing/run-cli.ts";

const samples = "packages/cli/src/tour/samples";
const scans = ["--scans", `${samples}/reports`];
const workload = (name: string) => ["-f", `${samples}/workloads/${name}.yaml`];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "check-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("every sample, for people", async () => {
  const ran = await runCli(["check", "-f", `${samples}/workloads`, ...scans]);
  expect({ ...ran, out: ran.out.replaceAll(`${samples}/`, "") }).toMatchInlineSnapshot(`
    {
      "notes": [],
      "out": "workloads/cart.yaml:1  Deployment shop/cart  audited [GH1001]
      registry.example.com/shop/cart:2.1.0  line 15, spec.template.spec.containers[0].image
        scanned 2026-11-20T04:12:09Z, 1 finding
        default audits: High and critical vulnerabilities, and images without a finished scan, are reported [GH1001]
          CVE-2026-30011  high  libpng 1.6.50  fixed in 1.6.51
    workloads/checkout.yaml:1  Deployment shop/checkout  denied [GH1001]
      registry.example.com/shop/checkout:3.0.1  line 15, spec.template.spec.containers[0].image
        scanned 2026-11-21T02:30:44Z, 3 findings
        no-fixable-critical denies: A critical whose fix is two weeks old does not ship [GH1001]
          CVE-2026-30021  critical  libwebp 1.5.0-1  fixed in 1.5.0-1+deb13u2 since 2026-09-14
        default audits: High and critical vulnerabilities, and images without a finished scan, are reported [GH1001]
          CVE-2026-30022  high  express 4.21.0  fixed in 4.21.3 since 2026-11-12
          and 1 named above
    workloads/debug.yaml:1  Pod shop/debug  denied [GH1015], could not tell
      registry.example.com/shop/debug:latest  line 9, spec.containers[0].image
        scan absent: no source knows registry.example.com/shop/debug:latest
        no-fixable-critical denies: A critical whose fix is two weeks old does not ship [GH1015]
        default audits: High and critical vulnerabilities, and images without a finished scan, are reported [GH1015]
        no-known-exploited audits: Nothing that is known to be exploited, nor three highs that are likely to be [GH1015]
    workloads/ledger.yaml:1  Deployment shop/ledger  admitted
    workloads/legacy-invoices.yaml:1  Deployment billing/legacy-invoices  audited [GH1001]
      registry.example.com/billing/legacy-invoices:7.8  line 15, spec.template.spec.containers[0].image
        scanned 2026-11-21T02:30:44Z, 1 finding
        default audits: High and critical vulnerabilities, and images without a finished scan, are reported [GH1001]
          CVE-2026-12345  critical  openssl 3.0.11-1  fixed in 3.0.18-1 since 2026-08-30
        CVE-2026-12345 in openssl exempt from no-fixable-critical by openssl-in-legacy-billing, 70 days left
    workloads/nightly.yaml:1  CronJob reports/nightly  denied [GH1001]
      registry.example.com/reports/nightly:2026.10  line 15, spec.jobTemplate.spec.template.spec.containers[0].image
        scanned 2026-11-21T02:30:44Z, 1 finding
        no-fixable-critical denies: A critical whose fix is two weeks old does not ship [GH1001]
          CVE-2026-20001  critical  curl 8.14.1-2  fixed in 8.14.1-2+deb13u1 since 2026-08-01
        default audits: High and critical vulnerabilities, and images without a finished scan, are reported [GH1001]
          1 named above
    workloads/search.yaml:1  Deployment shop/search  denied [GH1001]
      registry.example.com/shop/migrate:12  line 15, spec.template.spec.initContainers[0].image
        scanned 2026-11-21T02:30:44Z, 1 finding
        no-known-exploited denies: Nothing that is known to be exploited, nor three highs that are likely to be [GH1001]
          CVE-2026-30031  high  lodash 4.17.20  fixed in 4.17.22 since 2026-11-15, known to be exploited
        default audits: High and critical vulnerabilities, and images without a finished scan, are reported [GH1001]
          1 named above
    workloads/web.yaml:1  Deployment shop/web  admitted

    4 denied, 2 audited, 2 admitted, 1 could not be told in full (mode deny, policy 9bf6bb25b4de)
    Exemption: Add an exemption to stacks/policy.ts with a reason, an owner and an end, and ask security to review it.
    ",
      "status": 1,
    }
  `);
});

test("stdin: several documents, a List, kinds without images, what cannot be read", async () => {
  const input = `# a comment alone
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Pod
    metadata: { generateName: tool- }
    spec:
      containers:
        - name: tool
          image: registry.example.com/shop/web:1.4.0
  - apiVersion: v1
    kind: Pod
    metadata: { name: broken }
    spec:
      initContainers:
        - name: a
          image: 7
---
apiVersion: extensions/v1beta1
kind: Deployment
metadata: { name: old }
---
some: thing
---
a: [
`;
  expect(await runCli(["check", "-f", "-", ...scans], { input })).toMatchInlineSnapshot(`
    {
      "notes": [
        "standard input:25: document 3: expected apiVersion apps/v1 of a Deployment, got "extensions/v1beta1" [GH3005]",
        "standard input:29: document 4: expected apiVersion and kind as texts, got nothing and nothing [GH3005]",
        "standard input:32: document 5: Flow sequence in block collection must be sufficiently indented and end with a ] [GH3005]",
      ],
      "out": "stdin:3  ConfigMap default/settings  not judged: the gate judges no objects of this kind
    stdin:10  Pod default/tool-…  admitted
    stdin:17  Pod default/broken  denied [GH1022]
      The object's images cannot be read
      line 23: spec.initContainers[0].image: expected a string, got 7

    1 denied, 1 admitted, 1 not judged, 3 not readable (mode deny, policy 9bf6bb25b4de)
    Exemption: Add an exemption to stacks/policy.ts with a reason, an owner and an end, and ask security to review it.
    ",
      "status": 3,
    }
  `);
});

test("json holds the decision, the line of each image and the gate's own message", async () => {
  const ran = await runCli(["check", ...workload("checkout"), ...scans, "-o", "json"]);
  const { policyHash, ...document } = JSON.parse(ran.out) as {
    policyHash: string;
    objects: { images: { rules: object[] }[] }[];
  };
  expect(policyHash).toMatch(/^[0-9a-f]{64}$/);
  const [object] = document.objects;
  const [image] = object?.images ?? [];
  expect(ran.status).toBe(1);
  expect({
    ...document,
    objects: [{ ...object, images: [{ ...image, rules: image?.rules.length }] }],
  }).toMatchInlineSnapshot(`
    {
      "exemptionHelp": "Add an exemption to stacks/policy.ts with a reason, an owner and an end, and ask security to review it.",
      "judgedAt": "2026-11-22T10:00:00.000Z",
      "mode": "deny",
      "objects": [
        {
          "action": "deny",
          "apiVersion": "apps/v1",
          "code": "GH1001",
          "couldNotTell": false,
          "document": 1,
          "exemptions": [
            {
              "daysLeft": -22,
              "exemption": "curl-in-reports",
              "status": "expired",
            },
            {
              "daysLeft": 70,
              "exemption": "openssl-in-legacy-billing",
              "status": "out-of-scope",
            },
          ],
          "file": "packages/cli/src/tour/samples/workloads/checkout.yaml",
          "images": [
            {
              "digest": "sha256:1dfc2ea56f23fbee33054f9c71acbee4e0770f906dc3a454ab66641ba5a42c7d",
              "findingCount": 3,
              "line": 15,
              "outcome": "deny",
              "paths": [
                "spec.template.spec.containers[0].image",
              ],
              "platform": "linux/amd64",
              "reference": "registry.example.com/shop/checkout:3.0.1",
              "rules": 3,
              "scannedAt": "2026-11-21T02:30:44Z",
              "source": "reports",
              "state": "complete",
              "trust": {
                "kind": "source",
              },
            },
          ],
          "inDenyMode": "deny",
          "kind": "Deployment",
          "line": 1,
          "message": "Gatehouse denied Deployment shop/checkout [GH1001]

    Image registry.example.com/shop/checkout:3.0.1
      Digest: sha256:1dfc2ea56f23fbee33054f9c71acbee4e0770f906dc3a454ab66641ba5a42c7d (linux/amd64)
      In: container checkout at spec.template.spec.containers[0].image
      Rule no-fixable-critical: A critical whose fix is two weeks old does not ship [GH1001]
        1 finding (scanned 2026-11-21T02:30:44Z, reports):
          CVE-2026-30021, critical, in libwebp 1.5.0-1, fixed in 1.5.0-1+deb13u2

    Exemption: Add an exemption to stacks/policy.ts with a reason, an owner and an end, and ask security to review it.",
          "name": "checkout",
          "namespace": "shop",
        },
      ],
      "problems": [],
      "version": 1,
    }
  `);
});

test("sarif has a result for each rule that asks for something, at the image's line", async () => {
  const ran = await runCli(["check", ...workload("search"), ...scans, "-o", "sarif"]);
  const log = JSON.parse(ran.out) as { version: string; runs: { results: unknown[]; tool: unknown }[] };
  expect([ran.status, log.version, log.runs.length]).toEqual([1, "2.1.0", 1]);
  expect(log.runs[0]?.results).toMatchInlineSnapshot(`
    [
      {
        "level": "warning",
        "locations": [
          {
            "logicalLocations": [
              {
                "fullyQualifiedName": "Deployment shop/search",
                "kind": "resource",
              },
            ],
            "physicalLocation": {
              "artifactLocation": {
                "uri": "packages/cli/src/tour/samples/workloads/search.yaml",
              },
              "region": {
                "startLine": 15,
              },
            },
          },
        ],
        "message": {
          "text": "default audits registry.example.com/shop/migrate:12: 1 finding: CVE-2026-30031
    CVE-2026-30031  high  lodash 4.17.20  fixed in 4.17.22 since 2026-11-15, known to be exploited",
        },
        "partialFingerprints": {
          "gatehouse/v1": "92f78d34b0eae99e01d35d7a5e8625b7f4d3a3903f967aac3ded6672a471b548",
        },
        "properties": {
          "code": "GH1001",
          "digest": "sha256:44f2f7eb6555bce3c0c75a03b8067df5921121ec5a73c34aebd9e7fd61a451e9",
          "findings": [
            "CVE-2026-30031",
          ],
          "image": "registry.example.com/shop/migrate:12",
        },
        "ruleId": "default",
      },
      {
        "level": "error",
        "locations": [
          {
            "logicalLocations": [
              {
                "fullyQualifiedName": "Deployment shop/search",
                "kind": "resource",
              },
            ],
            "physicalLocation": {
              "artifactLocation": {
                "uri": "packages/cli/src/tour/samples/workloads/search.yaml",
              },
              "region": {
                "startLine": 15,
              },
            },
          },
        ],
        "message": {
          "text": "no-known-exploited denies registry.example.com/shop/migrate:12: 1 finding: CVE-2026-30031
    CVE-2026-30031  high  lodash 4.17.20  fixed in 4.17.22 since 2026-11-15, known to be exploited",
        },
        "partialFingerprints": {
          "gatehouse/v1": "7840f4536b205581b8e6f9717b67182fa5cc0746a590193ca60c830359b31742",
        },
        "properties": {
          "code": "GH1001",
          "digest": "sha256:44f2f7eb6555bce3c0c75a03b8067df5921121ec5a73c34aebd9e7fd61a451e9",
          "findings": [
            "CVE-2026-30031",
          ],
          "image": "registry.example.com/shop/migrate:12",
        },
        "ruleId": "no-known-exploited",
      },
    ]
  `);
});

test("mode audit admits what mode deny would not, and says so", async () => {
  const ran = await runCli(["check", ...workload("checkout"), ...scans, "--mode", "audit", "-o", "json"]);
  const { objects } = JSON.parse(ran.out) as { objects: { action: string; inDenyMode: string }[] };
  expect([ran.status, objects[0]?.action, objects[0]?.inDenyMode]).toEqual([0, "audit", "deny"]);
});

const policy = (name: string, text: string) => {
  writeFileSync(
    join(folder, name),
    `import { definePolicy, deny, findings, states, exempt } from "@gatehouse/policy"; export default definePolicy(${text});`,
  );
  return ["--policy", join(folder, name)];
};
const all = `when: findings({}), description: "d", onScan: states.audit`;

test("facts of the cluster that are not given are unknown: the rule applies, and says what it lacked", async () => {
  const by = policy(
    "cluster.ts",
    `{ defaultRule: false, rules: { one: deny({ ${all}, where: { cluster: { name: "prod-*" }, namespace: { labels: { tier: "x" } } } }) } }`,
  );
  const args = ["check", ...workload("cart"), ...scans, ...by, "-o", "json"];
  const outcome = async (...more: string[]) => {
    const ran = await runCli([...args, ...more]);
    const { objects } = JSON.parse(ran.out) as {
      objects: { action: string; images: { rules: { couldNotTell: unknown }[] }[] }[];
    };
    return [ran.status, objects[0]?.action, objects[0]?.images[0]?.rules[0]?.couldNotTell];
  };
  const unknown = [{ attribute: "cluster.name" }, { attribute: "namespace.labels" }];
  expect(await outcome()).toEqual([1, "deny", unknown]);
  expect(await outcome("--cluster-name", "dev")).toEqual([0, "allow", []]);
  expect(await outcome("--cluster-name", "prod-1", "--namespace-label", "tier=x")).toEqual([1, "deny", []]);
  expect(await outcome("--cluster-name", "prod-1", "--namespace-label", "tier=y")).toEqual([0, "allow", []]);
});

test("a scan that is too old is stale", async () => {
  const by = policy(
    "stale.ts",
    `{ defaultRule: false, rules: { one: deny({ ${all}, when: findings({ minSeverity: "critical" }) }) } }`,
  );
  const args = ["check", ...workload("web"), ...scans, ...by];
  expect((await runCli(args)).status).toBe(0);
  expect((await runCli([...args, "--max-scan-age", "24h"])).status).toBe(2);
});

test.each<[string, string[], number, string[]]>([
  ["clean", [...workload("web"), ...scans], 0, []],
  ["denied", [...workload("checkout"), ...scans], 1, []],
  ["could not tell: no reports", workload("web"), 2, []],
  ["a file that is not there", ["-f", "nope.yaml"], 3, ["nope.yaml: cannot be read: ENOENT"]],
  ["no reports folder", [...workload("web"), "--scans", "nope"], 3, ["--scans nope: expected a folder"]],
  [
    "no such policy",
    [...workload("web"), "--policy", "nope.ts"],
    3,
    ["nope.ts has a problem [GH3002]:", "  there is no such file"],
  ],
  ["nothing named", [], 3, ["error: required option '-f, --filename <file...>' not specified"]],
  [
    "a wrong mode",
    [...workload("web"), "--mode", "warn"],
    3,
    ["error: option '--mode <mode>' argument 'warn' is invalid. Allowed choices are audit, deny."],
  ],
  [
    "a wrong time",
    [...workload("web"), "--now", "soon"],
    3,
    ["error: option '--now <time>' argument 'soon' is invalid. expected a date or an instant"],
  ],
  [
    "a wrong label",
    [...workload("web"), "--cluster-label", "x"],
    3,
    ["error: option '--cluster-label <key=value>' argument 'x' is invalid. expected key=value"],
  ],
  [
    "a wrong platform",
    [...workload("web"), "--platform", "amd64"],
    3,
    ["error: option '--platform <os/arch>' argument 'amd64' is invalid. expected os/architecture"],
  ],
  [
    "a wrong age",
    [...workload("web"), "--max-scan-age", "old"],
    3,
    ["error: option '--max-scan-age <duration>' argument 'old' is invalid. expected a whole number"],
  ],
])("exit status: %s", async (_, args, status, beginnings) => {
  const ran = await runCli(["check", ...args]);
  expect(ran.status).toBe(status);
  for (const [index, beginning] of beginnings.entries()) expect(ran.notes[index]).toContain(beginning);
});

test("without any policy in sight", async () => {
  const ran = await runCli(["check", "-f", "-"], { cwd: folder, input: "" });
  expect(ran).toEqual({
    status: 3,
    out: "",
    notes: [
      "there is no policy here (looked for policy.ts, stacks/policy.ts, policy.js, policy.json); name one with --policy FILE [GH3003]",
    ],
  });
});

test("what a hostile manifest says cannot move the cursor", async () => {
  const input = JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a\u001b[2Jb\nadmitted" },
    spec: { containers: [{ name: "x", image: "evil\u001b]0;t\u0007/\u202eimage" }] },
  });
  const ran = await runCli(["check", "-f", "-", ...scans], { input });
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  expect(ran.out.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  expect(ran.status).toBe(2);
});

test("the real command, with and without colour", () => {
  const node = (env: Record<string, string>, ...args: string[]) =>
    spawnSync(process.execPath, ["packages/cli/src/main.ts", ...args], {
      cwd: repository,
      encoding: "utf8",
      env: { PATH: process.env["PATH"] ?? "", ...env },
    });
  const denied = node(
    { FORCE_COLOR: "1" },
    "check",
    ...workload("checkout"),
    ...scans,
    "--now",
    "2026-11-22",
  );
  expect([denied.status, denied.stderr]).toEqual([1, ""]);
  expect(denied.stdout).toContain("Deployment shop/checkout  denied [GH1001]\n");
  expect(node({}, "check", ...workload("web"), ...scans).status).toBe(0);
  expect(node({}, "check", ...workload("web")).status).toBe(2);
  expect(node({}, "chekc").status).toBe(3);
  expect(node({}, "--help").status).toBe(0);
});
