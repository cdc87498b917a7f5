import { join } from "node:path";
import { expect, test } from "vitest";
import { countSamples, differs } from "./count-samples.ts";

test("the samples of this package agree with a plain count", async () => {
  const counts = await countSamples(join(import.meta.dirname, "..", "parse", "fixtures"));
  expect({ files: counts.length, differing: counts.filter(differs) }).toEqual({ files: 11, differing: [] });
});

test.each([
  [{ counted: 2, findings: 2, state: "complete" }, false],
  [{ counted: 2, findings: 1, state: "complete" }, true],
  [{ counted: 2, findings: 3, state: "pending" }, true],
  [{ counted: 2, findings: 1, state: "partial" }, false],
  [{ counted: 2, findings: 3, state: "partial" }, true],
  [{ counted: undefined, findings: undefined, state: "not JSON" }, false],
])("%j differs: %s", (count, expected) => {
  expect(differs({ file: "a.json", ...count })).toBe(expected);
});
