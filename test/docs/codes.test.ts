/** Codes in the code, in its messages and in the documentation are the same. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { allCodes } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { root } from "../steps.ts";
import { codesPage } from "./codes-page.ts";
import { deniedPage } from "./denied-page.ts";
import { anchors, documents } from "./markdown.ts";

/** The tables of entries: what stands in them is not yet said by anybody. */
const tables = ["message-codes", "operator-codes", "command-codes"].map(
  (name) => `packages/policy/src/${name}.ts`,
);

/** What ships: no tests, no test helpers, nothing built. */
function shipped(): string[] {
  const sources = readdirSync(join(root, "packages")).map((name) => `packages/${name}/src`);
  return [
    ...[...sources, "webhook/src"].flatMap((place) =>
      readdirSync(join(root, place), { recursive: true, encoding: "utf8" }).map((path) => `${place}/${path}`),
    ),
    ...["webhook", "stacks"].flatMap((place) =>
      readdirSync(join(root, place)).map((path) => `${place}/${path}`),
    ),
  ].filter((path) => /\.(ts|tsx|js)$/.test(path) && !/\.test\.tsx?$|\/testing\//.test(path));
}

/** A file's text, without comments and, of a table, without its entries. */
function codeOf(path: string): string {
  const text = readFileSync(join(root, path), "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
  return tables.includes(path) ? text.replace(/export const \w+Codes = \{[\s\S]*?\n\} as const/, "") : text;
}

/** Codes that the code can emit: those that stand outside the tables. */
function emitted(): Set<string> {
  return new Set(
    shipped().flatMap((path) => [...codeOf(path).matchAll(/\bGH\d{4}\b/g)].map(([code]) => code)),
  );
}

const pages = { "denied.md": deniedPage(), "codes.md": codesPage() };

test.each(Object.entries(pages))("%s is that of the code (vitest -u writes it)", async (name, page) => {
  await expect(page).toMatchFileSnapshot(`../../docs/${name}`);
});

test("every code that the code can emit has its entry, and each entry its code", () => {
  expect([...emitted()].sort()).toEqual(Object.keys(allCodes()).sort());
});

test("every code has one entry in the documentation, whose anchor stays when its title changes", () => {
  const there = Object.values(pages).flatMap((page) =>
    [...anchors(page)].filter((anchor) => /^gh\d{4}$/.test(anchor)),
  );
  expect(there.sort()).toEqual(
    Object.keys(allCodes())
      .map((code) => code.toLowerCase())
      .sort(),
  );
});

test("documents name only codes that there are", () => {
  const unknown = documents().flatMap(({ path, text }) =>
    [...text.matchAll(/\bGH\d{4}\b/g)]
      .filter(([code]) => !Object.hasOwn(allCodes(), code))
      .map(([code]) => `${path}: ${code}`),
  );
  expect(unknown).toEqual([]);
});

/**
 * Errors that take their code as an argument, so that one without does not compile, and commander's, to which
 * `program.ts` adds the code of a wrong command line.
 */
const coded = ["UsageError", "InvalidInputError", "InvalidArgumentError"];
/** Others, by file: what is thrown is caught within the same part and becomes the reason in a message with a code. */
const reasons: Readonly<Record<string, string>> = {
  "packages/cli/src/doctor/collect/cluster.ts": "what is not known, in a finding of the doctor",
  "packages/cli/src/doctor/collect/gate-objects.ts": "what is not known, in a finding of the doctor",
  "packages/cli/src/options.ts": "becomes commander's error, or a UsageError",
  "packages/gate/src/errors.ts": "its message was made by withCode a line before",
  "packages/gate/src/guard/ask-impact.ts": "why there is no impact, in GH2021 and GH2012",
  "packages/gate/src/guard/hook.ts": "a verdict's message, which holds its code",
  "packages/gate/src/match-conditions.ts": "names that were checked before, with GH2001",
  "stacks/main.js": "an InvalidInputError's message, which holds its code",
};

test("component, guard, stacks and command line throw nothing at a person without a code", () => {
  const parts = /^(packages\/(gate|aws|azure|gcp|cli)\/src|stacks)\//;
  const bare = shipped()
    .filter((path) => parts.test(path) && !path.startsWith("packages/cli/src/tour/"))
    .flatMap((path) =>
      [...codeOf(path).matchAll(/new ([\w.]*Error)\((?=\s*([\s\S]{0,400}))/g)]
        .filter(
          ([, name = "", rest = ""]) =>
            !coded.includes(name) &&
            !rest.startsWith("withCode(") &&
            !/^`(?:[^`\\]|\\.)*\[GH\d{4}\]`/.test(rest),
        )
        .map(() => path),
    );
  expect([...new Set(bare)].sort()).toEqual(Object.keys(reasons).sort());
});
