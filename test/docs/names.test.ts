/** What documents name is there: files, settings, alerts and metrics. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../steps.ts";
import { documents } from "./markdown.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");

/** Everything that ships, as one text. */
const sources = ["packages", "webhook/src", "stacks"]
  .flatMap((place) =>
    readdirSync(join(root, place), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !/node_modules|\.test\.ts$/.test(path))
      .map((path) => read(`${place}/${path}`)),
  )
  .join("\n");

/** What all documents name by a pattern, with where. */
function named(pattern: RegExp): { at: string; name: string }[] {
  return documents().flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map(([, name = ""]) => ({ at: path, name })),
  );
}

/** Those that are not there, as `where: name`; and there are some to look at. */
function missing(pattern: RegExp, isThere: (name: string) => boolean): string[] {
  const all = named(pattern);
  expect(all.length).toBeGreaterThan(5);
  return [...new Set(all.filter(({ name }) => !isThere(name)).map(({ at, name }) => `${at}: ${name}`))];
}

/** `a/{b,c}.ts` is both. */
function expanded(path: string): string[] {
  const [, before = "", inner, after = ""] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  return inner === undefined ? [path] : inner.split(",").map((one) => `${before}${one}${after}`);
}

test("files and folders", () => {
  // What a build makes, and what a reader's own project has.
  const made = /^webhook\/dist\//;
  const isThere = (path: string) =>
    made.test(path) ||
    expanded(path).every((one) => existsSync(join(root, one)) || existsSync(join(root, `${one}.ts`)));
  expect(missing(/`((?:packages|webhook|test|docs|stacks)\/[\w./{},-]+)`/g, isThere)).toEqual([]);
});

/** All files of ours, as paths from the root. */
const files = ["packages", "webhook", "stacks", "test"].flatMap((place) =>
  readdirSync(join(root, place), { recursive: true, encoding: "utf8" })
    .filter((path) => !/node_modules|\.snippets-/.test(path))
    .map((path) => `${place}/${path}`),
);

test("modules, by the end of their path, in the package that a README is about", () => {
  // What a reader's own project has.
  const theirs = ["policy.ts", "before.ts", "after.ts"];
  const isThere = (at: string, name: string) =>
    theirs.includes(name) ||
    expanded(name).every(
      (one) =>
        existsSync(join(root, one)) ||
        files.some(
          (file) =>
            file.endsWith(`/${one}`) &&
            (!at.endsWith("/README.md") || file.startsWith(at.slice(0, -"README.md".length))),
        ),
    );
  const absent = named(/`([\w./{},-]+\.ts)`/g)
    .filter(({ at, name }) => !isThere(at, name))
    .map(({ at, name }) => `${at}: ${name}`);
  expect(absent).toEqual([]);
});

test("settings of a stack", () => {
  const settings = readdirSync(join(root, "stacks"))
    .filter((name) => name.endsWith("settings.ts"))
    .map((name) => read(`stacks/${name}`))
    .join("\n");
  const isThere = (name: string) => new RegExp(`^ +${name}: `, "m").test(settings);
  expect(missing(/(?<![\w:])gatehouse:([A-Za-z]+)\b/g, isThere)).toEqual([]);
});

test("alerts", () => {
  const rules = read("docs/monitoring/prometheus-rules.yaml");
  expect(missing(/`(Gatehouse[A-Z]\w+)`/g, (name) => rules.includes(`alert: ${name}\n`))).toEqual([]);
});

test("metrics", () => {
  expect(missing(/\b(gatehouse_[a-z_]+[a-z])\b/g, (name) => sources.includes(`"${name}"`))).toEqual([]);
});
