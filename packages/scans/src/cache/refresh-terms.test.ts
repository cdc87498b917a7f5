import { scanStates } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { reportTerms } from "./cached-source.ts";
import { refreshTerms } from "./refresh-terms.ts";

const minute = 60_000;
const terms = refreshTerms([
  { name: "usual" },
  { name: "soon", refreshAfter: "1m" },
  { name: "late", refreshAfter: "6h" },
]);

test.each(scanStates)("a source that says nothing has the usual terms of %s", (state) => {
  expect(terms({ source: "usual", state })).toEqual(reportTerms[state]);
  expect(terms({ source: "another", state })).toEqual(reportTerms[state]);
});

test("a scan that ended is looked up again when its source says, and is served until it can have been", () => {
  expect(terms({ source: "soon", state: "complete" })).toEqual({ freshMs: minute, usableMs: 60 * minute });
  expect(terms({ source: "late", state: "stale" })).toEqual({
    freshMs: 360 * minute,
    usableMs: 400 * minute,
  });
});

test.each(scanStates.filter((state) => state !== "complete" && state !== "stale"))(
  "%s ends no later than usual",
  (state) => {
    expect(terms({ source: "late", state })).toEqual(reportTerms[state]);
    expect(terms({ source: "soon", state }).freshMs).toBe(Math.min(minute, reportTerms[state].freshMs));
  },
);
