import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { repository, runCli } from "../testing/run-cli.ts";
import { plain } from "../render/style.ts";
import type { Admission } from "./outcome.ts";
import { caseLines } from "./print.ts";
import { scenes } from "./scenes.ts";

const samples = join(repository, "packages/cli/src/tour/samples");
let folder: string;
let temporary: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tour-test-"));
  temporary = join(folder, "tmp");
  mkdirSync(temporary);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const env = () => ({ PATH: process.env["PATH"] ?? "", TMPDIR: temporary });
const main = join(repository, "packages/cli/src/tour/main.ts");
const tour = (...args: string[]) =>
  spawnSync(process.execPath, [main, ...args], { cwd: repository, encoding: "utf8", env: env() });

interface Summary {
  passed: number;
  failed: number;
  admissions: Admission[];
}
const summaryOf = (out: string) => JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Summary;

test("the tour comes out as it says, whatever the date; the command line says the same; nothing is left", async () => {
  const { status, stdout, stderr } = tour("--once", "--json");
  const { passed, failed, admissions } = summaryOf(stdout);
  expect({ status, stderr, passed, failed }).toEqual({
    status: 0,
    stderr: "",
    passed: scenes.length,
    failed: 0,
  });
  expect(admissions.map(({ name, action, code, findings }) => [name, action, code, findings]))
    .toMatchInlineSnapshot(`
    [
      [
        "clean",
        "allow",
        null,
        0,
      ],
      [
        "high finding",
        "audit",
        "GH1001",
        1,
      ],
      [
        "critical finding",
        "deny",
        "GH1001",
        2,
      ],
      [
        "exempted",
        "audit",
        "GH1001",
        1,
      ],
      [
        "expired exemption",
        "deny",
        "GH1001",
        1,
      ],
      [
        "unscanned",
        "deny",
        "GH1015",
        0,
      ],
      [
        "init container",
        "deny",
        "GH1001",
        1,
      ],
      [
        "digest",
        "allow",
        null,
        0,
      ],
      [
        "mode audit",
        "audit",
        "GH1001",
        2,
      ],
    ]
  `);
  expect(readdirSync(temporary)).toEqual([]);

  for (const [index, scene] of scenes.entries()) {
    const files = ["-f", `${samples}/workloads/${scene.workload}.yaml`, "--scans", `${samples}/reports`];
    const ran = await runCli(["check", ...files, "--mode", scene.mode, "-o", "json"]);
    const [object] = (JSON.parse(ran.out) as { objects: { action: string; code: string; message: string }[] })
      .objects;
    const socket = admissions[index];
    expect([scene.name, object?.action, object?.code, object?.message]).toEqual([
      socket?.name,
      socket?.action,
      socket?.code,
      socket?.message,
    ]);
  }
});

test("what people see: at most 40 lines of 100 columns; reloads; Ctrl-C leaves nothing behind", async () => {
  const policy = join(folder, "policy.ts");
  const source = readFileSync(join(repository, "stacks/policy.ts"), "utf8");
  writeFileSync(policy, source);
  const child = spawn(process.execPath, [main, "--policy", policy], { cwd: repository, env: env() });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  const until = async (text: string) => {
    while (!out.includes(text) && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(out).toContain(text);
  };
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  try {
    await until("leaves nothing behind.\n");
    const lines = out.trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(40);
    // Two lines hold paths of the folder for temporary files, which is longer here than in life.
    const own = lines.map((line) => line.replaceAll(temporary, "/tmp"));
    expect(own.filter((line) => line.length > 100)).toEqual([]);
    expect(out).toContain('Error from server: error when creating "checkout.yaml": admission webhook');

    const curl = lines.slice(
      lines.findIndex((line) => line.includes("curl")),
      lines.findIndex((line) => line.includes("/validate/")) + 1,
    );
    const ask = () => {
      const { stdout, stderr } = spawnSync("bash", ["-c", curl.join("\n")], { encoding: "utf8", env: env() });
      if (stdout === "") throw new Error(stderr);
      return (JSON.parse(stdout) as { response: { allowed: boolean } }).response.allowed;
    };
    expect(ask()).toBe(false);

    writeFileSync(policy, `${source}\nconst broken = ;\n`);
    await until("not reloaded, the last good policy serves: ");
    expect(ask()).toBe(false);

    writeFileSync(
      policy,
      source.replace('minSeverity: "critical", fixAvailableFor', 'cves: "CVE-1-1", fixAvailableFor'),
    );
    await until("reloaded: rule no-fixable-critical: holds for ");
    expect(ask()).toBe(true);
  } finally {
    child.kill("SIGINT");
  }
  expect(await ended).toBe(0);
  expect(readdirSync(temporary)).toEqual([]);
});

function makeCase(name: string, files: Readonly<Record<string, string>>, report?: string): void {
  const directory = join(folder, "cases", name);
  mkdirSync(join(directory, "reports"), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
  if (report !== undefined)
    copyFileSync(join(samples, "reports", report), join(directory, "reports", report));
}
const workload = (name: string) => readFileSync(join(samples, "workloads", `${name}.yaml`), "utf8");
const expected = (action: string, more: object = {}) => JSON.stringify({ action, ...more });

test("cases: each with its own policy, mode, time and reports; a broken one fails with its error", () => {
  const checkout = { "object.yaml": workload("checkout") };
  const grype = "checkout.grype.json";
  makeCase(
    "01-denied",
    { ...checkout, now: "2026-11-22\n", "expected.json": expected("deny", { code: "GH1001", findings: 2 }) },
    grype,
  );
  makeCase(
    "02-young-fix",
    { ...checkout, now: "2026-09-20T00:00:00Z", "expected.json": expected("audit") },
    grype,
  );
  makeCase("03-mode", { ...checkout, mode: "audit\n", "expected.json": expected("audit") }, grype);
  makeCase(
    "04-own-policy",
    {
      ...checkout,
      "limit.ts": 'export const limit = "low" as const;',
      "policy.ts": `import { definePolicy, deny, findings, states } from "@gatehouse/policy";
        import { limit } from "./limit.ts";
        export default definePolicy({ defaultRule: false, rules: { all: deny({ description: "d", when: findings({ minSeverity: limit }), onScan: states.strict }) } });`,
      "expected.json": expected("deny", { findings: 3 }),
    },
    grype,
  );
  makeCase(
    "05-image-txt",
    {
      "object.yaml": workload("debug"),
      "image.txt": "registry.example.com/shop/debug:latest",
      "expected.json": expected("audit", { findings: 1 }),
    },
    "cart.trivy.json",
  );
  makeCase("06-unscanned", {
    "object.yaml": workload("debug"),
    "expected.json": expected("deny", { code: "GH1015", findings: 0 }),
  });
  const request = {
    kind: { group: "", version: "v1", kind: "Pod" },
    namespace: "a",
    operation: "CREATE",
    object: { apiVersion: "v1", kind: "Pod", spec: { containers: 3 } },
  };
  makeCase("07-request", {
    "review.json": JSON.stringify(request),
    "expected.json": expected("deny", { code: "GH1022" }),
  });
  makeCase("08-no-review", {
    "review.json": JSON.stringify({ request: { uid: 1 } }),
    "expected.json": expected("deny"),
  });
  makeCase("09-differs", { ...checkout, "expected.json": expected("allow") }, grype);
  makeCase("10-no-object", { "expected.json": expected("deny") });
  makeCase("11-bad-report", { ...checkout, "reports/x.json": "{", "expected.json": expected("deny") });
  makeCase("12-bad-policy", {
    ...checkout,
    "policy.ts": "export default 3;",
    "expected.json": expected("deny"),
  });
  makeCase("13-bad-expectation", { ...checkout, "expected.json": expected("refuse") });
  makeCase("14-bad-mode", { ...checkout, mode: "warn", "expected.json": expected("deny") });
  makeCase("15-bad-time", { ...checkout, now: "soon", "expected.json": expected("deny") });

  const cases = ["--once", "--cases", join(folder, "cases")];
  const { status, stdout } = tour(...cases, "--json");
  const { passed, failed, admissions } = summaryOf(stdout);
  const brief = admissions.map(({ name, action, code, findings, message }) =>
    action === "error"
      ? [name, message.replaceAll(folder, "").split("\n")[0]]
      : [name, action, code, findings],
  );
  expect({ status, passed, failed, brief }).toMatchInlineSnapshot(`
    {
      "brief": [
        [
          "01-denied",
          "deny",
          "GH1001",
          2,
        ],
        [
          "02-young-fix",
          "audit",
          "GH1001",
          2,
        ],
        [
          "03-mode",
          "audit",
          "GH1001",
          2,
        ],
        [
          "04-own-policy",
          "deny",
          "GH1001",
          3,
        ],
        [
          "05-image-txt",
          "audit",
          "GH1001",
          1,
        ],
        [
          "06-unscanned",
          "deny",
          "GH1015",
          0,
        ],
        [
          "07-request",
          "deny",
          "GH1022",
          0,
        ],
        [
          "08-no-review",
          "deny",
          null,
          0,
        ],
        [
          "09-differs",
          "deny",
          "GH1001",
          2,
        ],
        [
          "10-no-object",
          "object.yaml: there is neither object.yaml nor review.json",
        ],
        [
          "11-bad-report",
          "reports: x.json: not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
        ],
        [
          "12-bad-policy",
          "policy: /cases/12-bad-policy/policy.ts has a problem [GH3004]:",
        ],
        [
          "13-bad-expectation",
          "expected.json: action: expected allow or audit or deny, got "refuse"",
        ],
        [
          "14-bad-mode",
          "mode: expected audit or deny, got "warn"",
        ],
        [
          "15-bad-time",
          "now: expected a date or an instant such as 2026-11-22T10:00:00Z, got "soon"",
        ],
      ],
      "failed": 7,
      "passed": 8,
      "status": 1,
    }
  `);
  const readable = caseLines(admissions, plain);
  expect(readable.filter((line) => /^(ok|FAIL) /.test(line)).length).toBe(15);
  expect(readable.slice(-1)).toEqual([`${passed} passed, ${failed} failed`]);
  expect(readdirSync(temporary)).toEqual([]);
});

test("a folder without cases, and options that make no sense, are errors", () => {
  mkdirSync(join(folder, "none"));
  expect(tour("--once", "--cases", join(folder, "none"))).toMatchObject({
    status: 3,
    stderr: expect.stringContaining("expected a folder for each case, found none") as string,
  });
  expect(tour("--json")).toMatchObject({ status: 3, stderr: "--json and --cases need --once\n" });
});
