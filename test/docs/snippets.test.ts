/** What the documentation shows works: types, policies, tests, settings, manifests, events and command lines. */
import { join } from "node:path";
import { admissionEventSchema, parsePolicy } from "@gatehouse/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { readSettings } from "../../stacks/settings.ts";
import { parseEmergencies } from "../../webhook/src/judge/emergency.ts";
import stacksPolicy from "../../stacks/policy.ts";
import { root } from "../steps.ts";
import { openWorkshop, runToEnd, shellLines, snippets, words, type Workshop } from "./snippets.ts";

const typescript = snippets("ts", "typescript");
const node = join(root, "node_modules/.bin/node");
let workshop: Workshop;
/** Where command lines run: what they name is there. */
let shop: string;

const digest = `sha256:${"a".repeat(64)}`;
const trivyReport = {
  SchemaVersion: 2,
  CreatedAt: new Date().toISOString(),
  ArtifactName: "registry.example/shop/web:1.4",
  ArtifactType: "container_image",
  Metadata: {
    OS: { Family: "debian", Name: "12" },
    RepoTags: ["registry.example/shop/web:1.4"],
    RepoDigests: [`registry.example/shop/web@${digest}`],
  },
  Results: [{ Target: "debian", Class: "os-pkgs", Type: "debian" }],
};
const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "registry.example/shop/web:1.4" }] }
`;

beforeAll(async () => {
  workshop = await openWorkshop();
  for (const { name, text } of typescript) await workshop.write(`${name}.ts`, text);
  // What READMEs call the reader's own policy.
  await workshop.write("policy.ts", 'export { default } from "../../../stacks/policy.ts";\n');
  await workshop.write(
    "tsconfig.json",
    JSON.stringify({ extends: "../../../tsconfig.base.json", include: ["*.ts"], exclude: [] }),
  );
  shop = join(workshop.folder, "shop");
  await workshop.write(
    "shop/stacks/policy.ts",
    'export { default } from "../../../../../stacks/policy.ts";\n',
  );
  await workshop.write("shop/policy.ts", 'export { default } from "./stacks/policy.ts";\n');
  await workshop.write("shop/before.json", JSON.stringify(stacksPolicy));
  await workshop.write("shop/reports/web.json", JSON.stringify(trivyReport));
  await workshop.write("shop/k8s/web.yaml", deployment);
  await workshop.write("shop/deployment.yaml", deployment);
});
afterAll(() => workshop.close());

test("there are snippets of every kind", () => {
  expect(typescript.length).toBeGreaterThan(20);
  for (const language of ["yaml", "json", "sh"]) expect(snippets(language).length).toBeGreaterThan(0);
});

test("TypeScript has no type errors", { timeout: 300_000 }, async () => {
  const tsc = join(root, "node_modules/.bin/tsc");
  const { output } = await runToEnd(tsc, ["--noEmit", "-p", workshop.folder], workshop.folder);
  // What is wrong in a package itself is told by that package's own check. Further lines of an error are indented.
  const errors = output.split(/\n(?! )/).filter((error) => error !== "" && !error.startsWith("../"));
  expect(errors).toEqual([]);
});

const policies = typescript.filter(({ text }) => text.includes("export default definePolicy"));
test.each(policies)("the policy at $at is one", async ({ name }) => {
  const loaded = (await import(join(workshop.folder, `${name}.ts`))) as { default: unknown };
  expect(parsePolicy(loaded.default)).toMatchObject({ ok: true });
});

const tests = typescript.filter(({ text }) => text.includes('from "node:test"'));
test.each(tests)("the tests at $at pass", async ({ name }) => {
  const { status, output } = await runToEnd(
    node,
    ["--test", `${name}.ts`],
    workshop.folder,
    cleanEnvironment(),
  );
  expect({ status, output: status === 0 ? "" : output }).toEqual({ status: 0, output: "" });
});

test.each(snippets("yaml", "yml"))("the YAML at $at can be read", ({ text }) => {
  expect(parseAllDocuments(text).flatMap(({ errors }) => errors)).toEqual([]);
});

/** Settings as Pulumi hands them over: text as it is, everything else as JSON. */
function configOf(text: string): Record<string, string> {
  const { config } = parse(text) as { config: Record<string, unknown> };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}
const settings = snippets("yaml", "yml").filter(({ text }) => text.includes("gatehouse:cloud:"));
test.each(settings)("the settings at $at are taken", ({ text }) => {
  expect(readSettings(configOf(text), "docs")).toMatchObject({ cloud: expect.any(String) });
});

const breakGlass = snippets("yaml").filter(({ text }) => text.includes("name: gatehouse-emergency"));
test.each(breakGlass)("the break-glass entries at $at are taken", ({ text }) => {
  const { data } = parse(text) as { data: Record<string, string> };
  const [first = "{}"] = Object.values(data);
  const { until } = JSON.parse(first) as { until: string };
  const { exemptions, problems } = parseEmergencies(data, stacksPolicy, Date.parse(until) - 3_600_000);
  expect(problems).toEqual([]);
  expect(Object.keys(exemptions)).toEqual(Object.keys(data).map((name) => `emergency/${name}`));
});

test.each(snippets("json"))("the JSON at $at can be read, an event of the gate as one", ({ text }) => {
  const value = JSON.parse(text) as { type?: string };
  if (value.type?.startsWith("io.gatehouse.admission") === true)
    expect(admissionEventSchema.safeParse(value).error?.issues ?? []).toEqual([]);
});

const shell = snippets("sh", "bash");
test.each(shell)("the shell at $at has no syntax errors", async ({ text }) => {
  const { output } = await runToEnd("bash", ["-n", "-c", text], root);
  expect(output).toBe("");
});

/** `npm run gatehouse -- X`, `npx gatehouse X` and `gatehouse X` are the same. */
const commands = shell.flatMap(({ at, text }) =>
  shellLines(text)
    .map((line) => line.replace(/^(npm run gatehouse --|npx gatehouse) /, "gatehouse "))
    .filter((line) => line.startsWith("gatehouse "))
    .map((line) => ({ at, line, args: words(line).slice(1) })),
);
/** Commands that need no cluster. */
const local = ["check", "explain", "policy"];

function gatehouse(args: readonly string[]): ReturnType<typeof runToEnd> {
  return runToEnd(node, [join(root, "packages/cli/src/main.ts"), ...args], shop, cleanEnvironment());
}

test("command lines are shown", () => {
  expect(commands.length).toBeGreaterThan(0);
});

test.each(commands.filter(({ args }) => local.includes(args[0] ?? "")))(
  "$line ($at) runs",
  async ({ args }) => {
    const { status, output } = await gatehouse(args);
    expect({ status, output: status < 3 ? "" : output }).toEqual({ status, output: "" });
  },
);

test.each(commands.filter(({ args }) => !local.includes(args[0] ?? "")))(
  "$line ($at) is one of the command line's, with options that it has",
  async ({ args }) => {
    const [command = "", ...rest] = args;
    const { status, output } = await gatehouse([command, "--help"]);
    const known = new Set([...output.matchAll(/(?<![\w-])--?[a-z][a-z-]*/g)].map(([option]) => option));
    const unknown = rest
      .filter((word) => /^--?[a-z]/.test(word))
      .map((word) => word.split("=")[0] ?? "")
      .filter((option) => !known.has(option));
    expect({ status, unknown }).toEqual({ status: 0, unknown: [] });
  },
);

const configured = shell.flatMap(({ at, text }) =>
  [...text.matchAll(/pulumi (?:-- )?config set (gatehouse:\w+) (\S+)/g)].map(([, key = "", value = ""]) => ({
    at,
    key,
    value,
  })),
);
test.each(configured)("$key ($at) is a setting, and $value a value of it", ({ key, value }) => {
  const config = { "gatehouse:cloud": "local", "gatehouse:clusterName": "docs", [key]: value };
  expect(readSettings(config, "docs")).toMatchObject({ clusterName: "docs" });
});

/** Without what this test run set for itself. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...rest } = process.env;
  return rest;
}
