import fc from "fast-check";
import { expect, test } from "vitest";
import { parseBoundedJson } from "./bounded-json.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Values in a parsed document, keys not counted. */
function valuesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + valuesIn(inner), 1);
}

test("any JSON is what JSON.parse makes of it, as long as its values are not too many", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.integer({ min: 1, max: 200 }), (text, most) => {
      const parsed = JSON.parse(text) as unknown;
      // An empty list or object is counted once more than it is.
      if (2 * valuesIn(parsed) <= most) expect(parseBoundedJson(bytes(text), most)).toEqual(parsed);
      if (valuesIn(parsed) > most) expect(() => parseBoundedJson(bytes(text), most)).toThrow(RangeError);
    }),
  );
});

test.each([
  ["empty lists", `[${"[],".repeat(999)}[]]`],
  ["members", `{${Array.from({ length: 1000 }, (_, index) => `"${index}":0`).join(",")}}`],
  ["depth", "[".repeat(1000) + "]".repeat(1000)],
])("a thousand values are too many for a hundred, as %s", (_name, text) => {
  expect(() => parseBoundedJson(bytes(text), 100)).toThrow(
    new RangeError("more than the 100 values that are read"),
  );
});

test("what stands in a string is no value, however it is escaped", () => {
  const text = [",[{".repeat(1000), '",[{'.repeat(1000), "\\,[{".repeat(1000), '\\",'.repeat(1000)];
  expect(parseBoundedJson(bytes(JSON.stringify(text)), 5)).toEqual(text);
});

test("what is cut short, or no UTF-8, is no JSON", () => {
  expect(() => parseBoundedJson(bytes('["\\'), 9)).toThrow(SyntaxError);
  expect(() => parseBoundedJson(Uint8Array.of(0x22, 0xff, 0x22), 1)).toThrow(TypeError);
});
