import { describe, expect, it } from "vitest";
import { budgetMs, openDeadline } from "./deadline.ts";

describe("budgetMs", () => {
  it.each([
    ["10s", 9_000],
    ["30s", 27_000],
    ["5s", 4_500],
    ["1s", 500],
    ["500ms", 0],
    ["1m0s", 27_000],
    ["2.5s", 2_000],
    [undefined, 9_000],
    ["", 9_000],
    ["10", 9_000],
    ["-5s", 9_000],
    ["0s", 9_000],
    ["1e9s", 9_000],
    ["99999999999999999999999999999999s", 9_000],
  ])("of %j is %d", (timeout, expected) => {
    expect(budgetMs(timeout)).toBe(expected);
  });
});

describe("a deadline", () => {
  it("gives the value that is there in time", async () => {
    const deadline = openDeadline(60_000);
    expect(await deadline.within(Promise.resolve("x"))).toBe("x");
    expect(deadline.signal.aborted).toBe(false);
    deadline.close();
  });

  it("gives undefined when time is up, or after a shorter time", async () => {
    const never = new Promise<string>(() => {});
    const deadline = openDeadline(5);
    expect(await deadline.within(never)).toBeUndefined();
    expect(deadline.signal.aborted).toBe(true);
    expect(await deadline.within(never)).toBeUndefined();
    const long = openDeadline(60_000);
    expect(await long.within(never, 5)).toBeUndefined();
    expect(long.signal.aborted).toBe(false);
    long.close();
  });

  it("hands a failure on", async () => {
    const deadline = openDeadline(60_000);
    await expect(deadline.within(Promise.reject(new Error("no")))).rejects.toThrow("no");
    deadline.close();
  });
});
