import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, sha256Hex } from "./canonical-json.ts";
import { InvalidInputError } from "./problems.ts";

/** Plain JSON values without -0, which JSON writes as 0. */
const json = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

/** The same data with the keys of every object in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  const turned = Object.entries(value).toReversed();
  return Object.fromEntries(turned.map(([key, inner]) => [key, reordered(inner)]));
}

function problemsOf(value: unknown): unknown {
  try {
    return canonicalJson(value);
  } catch (error) {
    return error instanceof InvalidInputError ? error.problems : error;
  }
}

describe("canonicalJson", () => {
  it("sorts keys by code unit and writes no white space", () => {
    const value = { b: [1, "two", null, true], a: { z: 1e21, y: -0, ä: 0.1 }, B: {}, 10: 1, 9: 2, "": [] };
    expect(canonicalJson(value)).toBe(
      '{"":[],"10":1,"9":2,"B":{},"a":{"y":0,"z":1e+21,"ä":0.1},"b":[1,"two",null,true]}',
    );
    // U+FB33 stands after U+1F600 by code unit, before it by code point.
    expect(canonicalJson({ "\ufb33": 1, "\u{1f600}": 2 })).toBe('{"\u{1f600}":2,"\ufb33":1}');
  });

  it("leaves out undefined fields and escapes lone surrogates", () => {
    expect(canonicalJson({ a: undefined, b: "\ud800" })).toBe('{"b":"\\ud800"}');
  });

  it("is read back as the same value", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });

  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(reordered(value))).toBe(canonicalJson(value));
      }),
    );
  });

  it("differs when the data does", () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        let same = true;
        try {
          expect(a).toEqual(b);
        } catch {
          same = false;
        }
        expect(canonicalJson(a) === canonicalJson(b)).toBe(same);
      }),
    );
  });

  it("takes a value that stands in two places", () => {
    const shared = { x: 1 };
    expect(canonicalJson([shared, shared])).toBe('[{"x":1},{"x":1}]');
  });

  it("names every place that JSON cannot hold", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = [cycle];
    expect(
      problemsOf({ rules: { "no-x": [NaN, Infinity] }, f: () => 1, n: 1n, s: Symbol("s"), d: new Date(0) }),
    ).toEqual([
      { path: "d", problem: "expected a plain object, got an instance of a class" },
      { path: "f", problem: "expected a value that JSON can hold, got a function" },
      { path: "n", problem: "expected a value that JSON can hold, got a bigint" },
      { path: 'rules["no-x"][0]', problem: "expected a finite number, got NaN" },
      { path: 'rules["no-x"][1]', problem: "expected a finite number, got Infinity" },
      { path: "s", problem: "expected a value that JSON can hold, got a symbol" },
    ]);
    expect(problemsOf(cycle)).toEqual([
      { path: "self[0]", problem: "expected a tree, got an object that contains itself" },
    ]);
    expect(problemsOf([1, undefined])).toEqual([
      { path: "[1]", problem: "expected a value that JSON can hold, got undefined" },
    ]);
    expect(problemsOf({ [Symbol("hidden")]: 1 })).toEqual([
      { path: "", problem: "expected keys of text, got a symbol" },
    ]);
    const deep = JSON.parse("[".repeat(5000) + "]".repeat(5000)) as unknown;
    expect(problemsOf(deep)).toEqual([{ path: "[0]".repeat(200), problem: "expected at most 200 levels" }]);
  });

  it("says all of it in the message", () => {
    expect(() => canonicalJson({ a: NaN, b: [1n] }, "the policy")).toThrow(
      "the policy has 2 problems [GH3004]:\n  a: expected a finite number, got NaN\n  b[0]: expected a value that JSON can hold, got a bigint",
    );
  });
});

describe("sha256Hex", () => {
  it("is SHA-256 of the UTF-8 bytes", () => {
    expect(sha256Hex("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(sha256Hex(text)).toBe(createHash("sha256").update(text, "utf8").digest("hex"));
      }),
    );
  });
});
