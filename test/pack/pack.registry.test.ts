/** What is published works where the workspace is not: installed by npm, run by Node, with the same gate in it. */
import { execFile } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pack } from "../pack.ts";

const run = promisify(execFile);
const program = join(import.meta.dirname, "program.mjs");
/** Without the clouds' packages, whose SDKs are hundreds of megabytes and add nothing to what is seen here. */
const wanted = /^gatehouse-(policy|kube|gate|scans|cli)-/;
let folder: string;
let tarballs: readonly string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-packed-"));
  tarballs = await pack(join(folder, "tarballs"));
  const manifest = { name: "elsewhere", private: true, type: "module" };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const chosen = tarballs.filter((tarball) => wanted.test(basename(tarball)));
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...chosen], { cwd: folder });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const installed = (name: string) => join(folder, "node_modules/@gatehouse", name);

async function registered(cwd: string, file: string): Promise<string[]> {
  const { stdout } = await run(process.execPath, [file], { cwd });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as string[];
}

test("a program registers the same gate, bundle by bundle, as it does in the workspace", async () => {
  copyFileSync(program, join(folder, "program.mjs"));
  const outside = await registered(folder, "program.mjs");
  expect(outside).toEqual(await registered(import.meta.dirname, program));
  expect(outside.filter((name) => /ConfigMap gate-(judge|observer)-[0-9a-f]{16}$/.test(name))).toHaveLength(
    2,
  );
});

test("the command line answers", async () => {
  const { stdout } = await run(process.execPath, [join(folder, "node_modules/.bin/gatehouse"), "--help"], {
    cwd: folder,
  });
  expect(stdout).toContain("Usage: gatehouse");
});

test("every export is there, compiled, and none is for our own tests only", async () => {
  for (const name of readdirSync(join(folder, "node_modules/@gatehouse"))) {
    const text = readFileSync(join(installed(name), "package.json"), "utf8");
    const { exports, devDependencies } = JSON.parse(text) as {
      exports: Record<string, string | { types: string; default: string }>;
      devDependencies?: unknown;
    };
    expect([name, devDependencies]).toEqual([name, undefined]);
    const files = Object.values(exports).flatMap((target) =>
      typeof target === "string" ? [target] : [target.types, target.default],
    );
    expect(files.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))).toEqual([]);
    expect(files.filter((file) => !existsSync(join(installed(name), file)))).toEqual([]);
    const testing = Object.keys(exports).filter((entry) => entry.includes("testing"));
    expect([name, testing]).toEqual([name, name === "policy" ? ["./testing"] : []]);
    for (const entry of Object.keys(exports).filter((one) => !one.endsWith(".json"))) {
      const specifier = `@gatehouse/${name}${entry.slice(1)}`;
      const script = `await import(${JSON.stringify(specifier)})`;
      await run(process.execPath, ["--input-type=module", "--eval", script], { cwd: folder });
    }
  }
});
