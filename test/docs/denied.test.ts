import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageCodes } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { root } from "../steps.ts";
import { deniedPage } from "./denied-page.ts";
import { anchors, documents } from "./markdown.ts";

const table = "packages/policy/src/message-codes.ts";

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

/** Codes that the code can emit, with the files that name them. The table's own entries are no such place. */
function emitted(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const path of shipped()) {
    const whole = readFileSync(join(root, path), "utf8");
    const text =
      path === table ? whole.replace(/export const messageCodes = \{[\s\S]*?\n\} as const/, "") : whole;
    for (const [code] of text.matchAll(/\bGH\d{4}\b/g)) found.set(code, [...(found.get(code) ?? []), path]);
  }
  return found;
}

test("the page about denials is that of the code (vitest -u writes it)", async () => {
  await expect(deniedPage()).toMatchFileSnapshot("../../docs/denied.md");
});

test("every code that the code can emit has its entry, and each entry its code", () => {
  expect([...emitted().keys()].sort()).toEqual(Object.keys(messageCodes).sort());
});

test("every code has an anchor of its own, which stays when its title changes", () => {
  const there = anchors(deniedPage());
  expect(Object.keys(messageCodes).filter((code) => !there.has(code.toLowerCase()))).toEqual([]);
});

test("documents name only codes that there are", () => {
  const unknown = documents().flatMap(({ path, text }) =>
    [...text.matchAll(/\bGH\d{4}\b/g)]
      .filter(([code]) => !Object.hasOwn(messageCodes, code))
      .map(([code]) => `${path}: ${code}`),
  );
  expect(unknown).toEqual([]);
});
