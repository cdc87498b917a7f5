import { expect, test } from "vitest";
import { rememberLast, rememberLong } from "./remember-list.ts";

test("the same lists in a row are asked about once, equal ones are not the same", () => {
  const asked: (readonly (readonly number[])[])[] = [];
  const together = rememberLast((lists: readonly (readonly number[])[]) => {
    asked.push(lists);
    return lists.flat();
  });
  const [one, two] = [[1], [2]];
  expect([together(one, two), together(one, two), together(two), together([2]), together()]).toEqual([
    [1, 2],
    [1, 2],
    [2],
    [2],
    [],
  ]);
  expect(asked).toEqual([[one, two], [two], [[2]], []]);
});

test("a long list is asked about once, a short one each time", () => {
  const asked: number[] = [];
  const lengthOf = rememberLong((list: readonly string[]) => asked.push(list.length) && list.length);
  const [short, long] = [["a"], Array.from({ length: 500 }, () => "a")];
  expect([short, short, long, long, [...long]].map(lengthOf)).toEqual([1, 1, 500, 500, 500]);
  expect(asked).toEqual([1, 1, 500, 500]);
});
