/** What the documentation shows works: types, policies, tests, settings, manifests, events and command lines. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { admissionEventSchema, parsePolicy } from "@gatehouse/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { processIo } from "../../packages/cli/src/io.ts";
import { createProgram } from "../../packages/cli/src/program.ts";
import { readSettings } from "../../stacks/settings.ts";
import { parseEmergencies } from "../../webhook/src/judge/emergency.ts";
import stacksPolicy from "../../stacks/policy.ts";
import { root } from "../steps.ts";
import { documents, fences } from "./markdown.ts";
import {
  commandOf,
  dialogue,
  elided,
  openWorkshop,
  runToEnd,
  shellLines,
  snippets,
  type Workshop,
} from "./snippets.ts";
import { openStage, type Stage } from "./stage.ts";

const typescript = snippets("ts");
const node = join(root, "node_modules/.bin/node");
let workshop: Workshop;
/** Where command lines run: what they name is there. */
let shop: string;
let stage: Stage;
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

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
  await mkdir(shop);
  stage = await openStage(shop);
});
afterAll(async () => {
  await stage.close();
  await workshop.close();
});

test("there are snippets of every kind", () => {
  expect(typescript.length).toBeGreaterThan(20);
  for (const language of ["yaml", "json", "sh", "console"])
    expect(snippets(language).length).toBeGreaterThan(0);
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

test.each(snippets("yaml"))("the YAML at $at can be read", ({ text }) => {
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
const settings = snippets("yaml").filter(({ text }) => text.includes("gatehouse:cloud:"));
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

const shell = snippets("sh");
test.each(shell)("the shell at $at has no syntax errors", async ({ text }) => {
  const { output } = await runToEnd("bash", ["-n", "-c", text], root);
  expect(output).toBe("");
});

/** Commands of shell blocks, and of blocks that show what they print. */
const commands = [
  ...shell.flatMap(({ at, text }) => shellLines(text).map((line) => ({ at, line }))),
  ...snippets("console").flatMap(({ at, text }) => dialogue(text).map(({ line }) => ({ at, line }))),
].map(({ at, line }) => ({ at, line, args: commandOf(line) }));

/** Programs of other people, whose command lines nothing here can judge: bash has read them, and that is all. */
const foreign = ["kubectl", "curl", "git", "jq", "helm"];
/** What becomes of a command line of ours; each answers with what is wrong. */
const checks: Readonly<Record<string, (args: readonly string[]) => string[] | Promise<string[]>>> = {
  gatehouse: notUnderstood,
  npm: ([verb = "", script = ""]) => {
    const name = verb === "run" ? script : verb;
    return name in scripts ? [] : [`package.json has no script ${name}`];
  },
  pulumi: ([verb = ""]) =>
    ["preview", "up", "destroy", "refresh", "stack", "config", "state"].includes(verb)
      ? []
      : [`pulumi ${verb} is not one of those that are known here`],
  node: flagsOfProgram,
};

test.each(commands)("$line ($at) is a command that there is, with options that it has", async ({ args }) => {
  const [program = "", ...rest] = args;
  const check = foreign.includes(program) ? () => [] : checks[program];
  expect(await (check?.(rest) ?? [`${program} is no program that documents may name`])).toEqual([]);
});

/** By the command line's own parser, with what the command would do taken out. */
async function notUnderstood(args: readonly string[]): Promise<string[]> {
  const notes: string[] = [];
  const io = { out: () => {}, note: (line: string) => void notes.push(line) };
  const program = createProgram({ ...processIo(), ...io }, () => {});
  for (const command of program.commands)
    for (const one of [command, ...command.commands]) one.action(() => {});
  await program.parseAsync([...args], { from: "user" }).catch((error: unknown) => notes.push(String(error)));
  return notes;
}

/** A program of the repository by its path, and that its flags stand in its text or that of the files beside it. */
function flagsOfProgram([path = "", ...args]: readonly string[]): string[] {
  const source = path.replace(/^webhook\/dist\/(judge|observer)\.mjs$/, "webhook/src/$1/arguments.ts");
  if (!existsSync(join(root, source))) return [`there is no ${source}`];
  const folder = join(root, source, "..");
  const text = readdirSync(folder)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
  const judge = readFileSync(join(root, "webhook/src/judge/arguments.ts"), "utf8");
  return args
    .filter((word) => word.startsWith("--"))
    .map((word) => word.slice(2))
    .filter((flag) => !new RegExp(`["'\\s{.]${flag}["':,\\s}?]`).test(`${text}\n${judge}`))
    .map((flag) => `${path} has no --${flag}`);
}

/** What goes on until it is interrupted, or needs what only a gate's Pod has. */
const endless = ({ args: [program, command, ...rest] }: (typeof commands)[number]) =>
  program !== "gatehouse" ||
  command === "dashboard" ||
  rest.includes("--follow") ||
  rest.includes("--config");

const ours = shell
  .map(({ at, text }) => ({
    at,
    lines: shellLines(text).map((line) => ({ at, line, args: commandOf(line) })),
  }))
  .map(({ at, lines }) => ({ at, lines: lines.filter((one) => !endless(one)) }))
  .filter(({ lines }) => lines.length > 0);

test.each(ours)("our command lines at $at run, one after the other", async ({ lines }) => {
  for (const { line, args } of lines) {
    const { status, output } = await stage.gatehouse(args.slice(1));
    expect({ line, status, output: status < 3 ? "" : output }).toEqual({ line, status, output: "" });
    const into = /\s>\s*(\S+)$/.exec(line)?.[1];
    if (into !== undefined) await workshop.write(`shop/${into}`, output);
  }
});

/** What a command line of ours prints; of `npm start` what it prints before it stays up. */
async function printedBy(program: string, args: readonly string[]): Promise<string> {
  if (program === "kubectl") return await stage.kubectlApply(args.at(-1) ?? "");
  if (program === "gatehouse") return (await stage.gatehouse(args)).output;
  expect([program, ...args]).toEqual(["npm", "start"]);
  const tour = join(root, "packages/cli/src/tour/main.ts");
  return (await runToEnd(node, [tour, "--once"], root, cleanEnvironment())).output;
}

test.each(snippets("console"))("what is printed at $at is what is printed", async ({ text }) => {
  for (const { line, output } of dialogue(text)) {
    const [program = "", ...args] = commandOf(line);
    const printed = await printedBy(program, args);
    expect({ line, printed: elided(printed, output) }).toEqual({ line, printed: output });
  }
});

const workflows = readdirSync(join(root, "docs/examples")).map((name) => `docs/examples/${name}`);
test.each(workflows)(
  "the workflow %s is YAML whose scripts a shell reads, with commands that there are",
  async (path) => {
    const text = readFileSync(join(root, path), "utf8");
    const { jobs } = parse(text) as { jobs: Record<string, { steps: { run?: string }[] }> };
    const scripts = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
    expect(scripts.length).toBeGreaterThan(1);
    let ours = 0;
    for (const script of scripts) {
      expect((await runToEnd("bash", ["-n", "-c", script], root)).output).toBe("");
      for (const line of shellLines(script)) {
        const [program, ...args] = commandOf(line);
        if (program !== "gatehouse") continue;
        ours += 1;
        expect(await notUnderstood(args.map((word) => (word === "$MODE" ? "deny" : word)))).toEqual([]);
      }
    }
    expect(ours).toBeGreaterThan(0);
  },
);

test("every block says what it is, and each kind is looked at", () => {
  const looked = ["ts", "yaml", "json", "sh", "console"];
  // A picture, and what the page about denials is made of, by its own test.
  const pictures = ["ARCHITECTURE.md", "docs/denied.md"];
  const others = documents().flatMap(({ path, text }) =>
    fences(text)
      .filter(
        ({ language }) => !looked.includes(language) && !(language === "text" && pictures.includes(path)),
      )
      .map(({ language, line }) => `${path}:${line}: ${JSON.stringify(language)}`),
  );
  expect(others).toEqual([]);
});

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
