import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadPolicy } from "./load-policy.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-policy-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const ruleFile = (severity: string) =>
  `export const when = { findings: { minSeverity: ${JSON.stringify(severity)} } } as const;`;

test("reads a TypeScript policy outside the workspace, and afresh when an import of it changes", async () => {
  const file = write(
    "policy.ts",
    `import { definePolicy, deny, states } from "@gatehouse/policy";
     import { when } from "./when.ts";
     export default definePolicy({ rules: { one: deny({ description: "d", when, onScan: states.audit }) } });`,
  );
  const imported = write("when.ts", ruleFile("high"));
  const first = await loadPolicy(file);
  write("when.ts", ruleFile("low"));
  const second = await loadPolicy(file);
  expect([first.policy.rules["one"]?.when, second.policy.rules["one"]?.when]).toEqual([
    { findings: { minSeverity: "high" } },
    { findings: { minSeverity: "low" } },
  ]);
  expect([...second.files].sort()).toEqual([file, imported].sort());
});

test("reads the JSON form", async () => {
  const { policy } = await loadPolicy(write("made.ts", `export default ${JSON.stringify(minimal)};`));
  expect((await loadPolicy(write("policy.json", JSON.stringify(policy)))).policy).toEqual(policy);
});

const minimal = {
  version: 1,
  rules: {
    one: {
      description: "d",
      action: "audit",
      enabled: true,
      when: { unsignedReport: {} },
      onScan: Object.fromEntries(
        ["pending", "partial", "failed", "unsupported", "absent", "stale", "unavailable"].map((state) => [
          state,
          "audit",
        ]),
      ),
    },
  },
  exemptions: {},
  vex: [],
  exemptionHelp: "ask",
};

test.each([
  ["gone.ts", undefined, "there is no such file"],
  ["broken.ts", "export default {", "Unexpected"],
  ["empty.ts", "export const x = 1;", "expected a default export"],
  [
    "wrong.ts",
    `export default ${JSON.stringify({ ...minimal, rules: {} })};`,
    "a policy without rules admits everything",
  ],
])("%s: an error that names the file", async (name, text, problem) => {
  const file = text === undefined ? join(folder, name) : write(name, text);
  await expect(loadPolicy(file)).rejects.toThrow(
    new RegExp(`${name} has a problem \\[GH300[24]\\]:\\n.*${problem}`),
  );
});
