/** Each run-time dependency has its reason in its package's README, and no README speaks of one that is gone. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../steps.ts";

const places = [...readdirSync(join(root, "packages")).map((name) => `packages/${name}`), "webhook"];

/** Dependencies that are not our own; those reach another package's README. */
function dependencies(place: string): string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, place, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  return Object.keys(dependencies)
    .filter((name) => !name.startsWith("@gatehouse/"))
    .sort();
}

/** The chapter or table of a README that gives reasons. */
function reasons(place: string): string {
  const text = readFileSync(join(root, place, "README.md"), "utf8");
  const chapter = /^## [^\n]*[Dd]ependencies[^\n]*\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(text)?.[1];
  return chapter ?? text.slice(text.indexOf("| dependency | why |"));
}

/** Names in the first cell of a row or at the beginning of an item. */
function named(place: string): string[] {
  return reasons(place)
    .split("\n")
    .flatMap((line) => /^(?:\| ?|- )([^|:]+)(?: \||:)/.exec(line)?.[1] ?? [])
    .filter((cell) => !/^(package|dependency|-+)\s*$/.test(cell))
    .flatMap((cell) => cell.replace(/\([^)]*\)/g, "").split(/,| and /))
    .map((name) => name.replace(/`/g, "").trim())
    .filter((name) => name !== "" && !name.startsWith("@gatehouse/"))
    .sort();
}

test.each(places)("%s: the reasons are those of its dependencies", (place) => {
  expect(named(place)).toEqual(dependencies(place));
});
