import { expect, test } from "vitest";
import { createCursors } from "./cursor.ts";

test("a cursor is read back by the process that made it", () => {
  const cursors = createCursors();
  for (const position of [0, 1, 4_294_967_296, Number.MAX_SAFE_INTEGER])
    expect(cursors.read(cursors.at(position))).toEqual({ position, missed: false });
});

test("who has no cursor begins; another process's events are missed; anything else is none", () => {
  const cursors = createCursors();
  expect(cursors.read(undefined)).toEqual({ position: 0, missed: false });
  expect(cursors.read("")).toEqual({ position: 0, missed: false });
  expect(cursors.read(createCursors().at(7))).toEqual({ position: 0, missed: true });
  for (const text of ["7", "e1.7", "x".repeat(20), "=".repeat(59)])
    expect(cursors.read(text)).toBeUndefined();
});

test("cursors of one position have nothing in common, and a changed one is none of ours", () => {
  const cursors = createCursors();
  const all = Array.from({ length: 100 }, () => cursors.at(5));
  expect(new Set(all.map((text) => text.slice(0, 16))).size).toBe(100);
  expect(new Set(all.map((text) => text.slice(16, 37))).size).toBe(100);
  expect(cursors.at(1)).toHaveLength(cursors.at(Number.MAX_SAFE_INTEGER).length);
  const [first = ""] = all;
  const changed = `${first.slice(0, 20)}${first[20] === "A" ? "B" : "A"}${first.slice(21)}`;
  expect(cursors.read(changed)).toEqual({ position: 0, missed: true });
});
