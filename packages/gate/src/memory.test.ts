import { expect, test } from "vitest";
import { bytesOf, cpuProblems, heapFlags, memoryProblems } from "./memory.ts";

test("quantities are bytes, and what Kubernetes would not take for memory is none", () => {
  expect(["384Mi", "1Gi", "0.5Gi", "400M", "402653184"].map(bytesOf)).toEqual([
    402_653_184, 1_073_741_824, 536_870_912, 400_000_000, 402_653_184,
  ]);
  expect(["", "384", "384MB", "-1Gi", "1e3", "Mi", 384, undefined].map(bytesOf)).toEqual([
    undefined,
    384,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("too little memory is a mistake, and so is a CPU that is no quantity", () => {
  expect(memoryProblems("memory", "128Mi")).toEqual([]);
  expect(memoryProblems("memory", "384")).toEqual([
    { path: "memory", problem: 'expected 128Mi or more, such as "384Mi" or "1Gi", got "384"' },
  ]);
  expect(["100m", "2", "0.5"].flatMap((cpu) => cpuProblems("cpu", cpu))).toEqual([]);
  expect(cpuProblems("cpu", "half")).toEqual([
    { path: "cpu", problem: 'expected a quantity such as "100m" or "0.5", got "half"' },
  ]);
});

test("the heap takes a part of the limit, whatever unit it is in", () => {
  expect(heapFlags("384Mi")).toEqual(["--max-old-space-size=211", "--max-semi-space-size=8"]);
  expect(heapFlags("1Gi")).toEqual(["--max-old-space-size=563", "--max-semi-space-size=8"]);
});
