import { expect, test } from "vitest";
import { createStyle, wrapLines } from "./style.ts";

test.each([
  [{ isTTY: true }, {}, "\u001b[31mx\u001b[0m"],
  [{ isTTY: true }, { NO_COLOR: "" }, "\u001b[31mx\u001b[0m"],
  [{ isTTY: true }, { NO_COLOR: "1" }, "x"],
  [{ isTTY: true }, { TERM: "dumb" }, "x"],
  [{ isTTY: false }, {}, "x"],
  [{}, {}, "x"],
])("colour on %j with %j", (stream, env, expected) => {
  expect(createStyle(stream, env).red("x")).toBe(expected);
});

test("lines are broken at spaces, and go on a little deeper", () => {
  expect(wrapLines("one two three\n  four five six\n\nseven", 12, "> ")).toEqual([
    "> one two",
    ">   three",
    ">   four",
    ">     five",
    ">     six",
    ">",
    "> seven",
  ]);
  expect(wrapLines("averyveryverylongword x", 8)).toEqual(["averyveryverylongword", "  x"]);
});
