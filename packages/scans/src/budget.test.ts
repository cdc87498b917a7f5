import { expect, test } from "vitest";
import { sharedBudget } from "./budget.ts";

test("what begins at about the same time shares one signal; what begins later has its own", () => {
  let at = 0;
  const budget = sharedBudget(60_000, () => at);
  const first = budget();
  at = 5_999;
  expect(budget()).toBe(first);
  at = 6_000;
  const second = budget();
  expect([second === first, first.aborted, second.aborted]).toEqual([false, false, false]);
});
