import { sourceSchema } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { scanTermsProblems } from "./scan-terms.ts";

const paths = (terms: object): string[] => scanTermsProblems(terms).map(({ path }) => path);

test.each<[object, string[]]>([
  [{}, []],
  [{ maxScanAge: "30d", refreshAfter: "1m" }, []],
  [{ maxScanAge: "2w", refreshAfter: "24h" }, []],
  [{ maxScanAge: "a month", refreshAfter: "0m" }, ["maxScanAge", "refreshAfter"]],
  [{ maxScanAge: "", refreshAfter: "25h" }, ["maxScanAge", "refreshAfter"]],
  [{ refreshAfter: "30s" }, ["refreshAfter"]],
  [{ maxScanAge: 30, refreshAfter: 5 }, ["maxScanAge", "refreshAfter"]],
])("%o", (terms, expected) => {
  expect(paths(terms)).toEqual(expected);
  // What is refused here would be refused by the gate itself, and nothing else.
  const credentials = { kind: "google-metadata" };
  const source = {
    type: "artifact-registry",
    name: "a",
    registries: ["gcr.io"],
    projects: ["p"],
    credentials,
  };
  expect(sourceSchema.safeParse({ ...source, ...terms }).success).toBe(expected.length === 0);
});

test("says what was expected and what came", () => {
  expect(scanTermsProblems({ maxScanAge: "a month", refreshAfter: "30s" })).toEqual([
    {
      path: "maxScanAge",
      problem: 'expected a whole number and m, h, d or w, such as 24h, got "a month"',
    },
    { path: "refreshAfter", problem: 'expected a whole number and m or h from 1m to 24h, got "30s"' },
  ]);
});
