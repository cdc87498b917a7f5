import { expect, test } from "vitest";
import { progressLine } from "./progress.ts";

const base = { program: "etcd", compiled: 12, packages: 600, elapsedMilliseconds: 61_400, done: false };

test("progress names the program, the packages and the time", () => {
  expect(progressLine(base)).toBe("Building etcd: 12 packages compiled (it has 600), 1 min 1 s");
  expect(progressLine({ ...base, elapsedMilliseconds: 8000, done: true })).toBe(
    "Built etcd in 8 s, 12 packages compiled.",
  );
});
