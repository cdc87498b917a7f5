import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { root } from "../steps.ts";
import { anchors, documents, links } from "./markdown.ts";

test("every link within the project leads to a file that is there, and to a place in it", () => {
  const broken = documents().flatMap(({ path, text }) =>
    links(text).flatMap(({ target, fragment, line }) => {
      const file = target === "" ? path : normalize(join(dirname(path), target));
      if (file.startsWith("..") || !existsSync(join(root, file)))
        return [`${path}:${line}: there is no ${file}`];
      if (fragment === undefined || !file.endsWith(".md")) return [];
      const there = anchors(readFileSync(join(root, file), "utf8"));
      return there.has(fragment) ? [] : [`${path}:${line}: ${file} has no #${fragment}`];
    }),
  );
  expect(broken).toEqual([]);
});
