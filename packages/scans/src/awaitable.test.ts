import { describe, expect, test } from "vitest";
import { allOf, andThen, orElse } from "./awaitable.ts";

const failing = (): number => {
  throw new Error("no");
};
const messageOf = (error: unknown): string => (error as Error).message;

describe("a value that may be there", () => {
  test("is gone on with at once where it is", () => {
    expect(andThen(1, (one) => one + 1)).toBe(2);
    expect(allOf([1, 2])).toEqual([1, 2]);
    expect(orElse<number | string>(() => 1, messageOf)).toBe(1);
    expect(orElse<number | string>(failing, messageOf)).toBe("no");
  });

  test("is waited for where it is not", async () => {
    expect(await andThen(Promise.resolve(1), (one) => one + 1)).toBe(2);
    expect(await allOf([1, Promise.resolve(2)])).toEqual([1, 2]);
    expect(await orElse<string>(() => Promise.reject(new Error("no")), messageOf)).toBe("no");
    await expect(andThen(Promise.resolve(1), failing)).rejects.toThrow("no");
  });
});
