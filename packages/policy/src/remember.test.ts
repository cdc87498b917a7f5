import { expect, test } from "vitest";
import { remember } from "./remember.ts";

test("results are kept while they are asked for, and long texts never", () => {
  const made: string[] = [];
  const lengthOf = remember((text) => {
    made.push(text);
    return { length: text.length };
  }, 2);
  const first = lengthOf("a");
  expect(lengthOf("a")).toBe(first);
  for (const text of ["b", "c", "a", "d", "a"]) expect(lengthOf(text)).toEqual({ length: 1 });
  expect(lengthOf("a")).toBe(first);
  expect(made).toEqual(["a", "b", "c", "d"]);
  for (const text of ["e", "f", "g"]) lengthOf(text);
  lengthOf("a");
  expect(made).toEqual(["a", "b", "c", "d", "e", "f", "g", "a"]);
  const long = "x".repeat(600);
  expect([lengthOf(long), lengthOf(long), made.filter((text) => text === long).length]).toEqual([
    { length: 600 },
    { length: 600 },
    2,
  ]);
});
