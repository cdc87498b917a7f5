import { describe, expect, test } from "vitest";
import { createTokenStore } from "./token-store.ts";

const signal = new AbortController().signal;

function setUp(lifeMs = 1000_000) {
  let at = 0;
  let count = 0;
  let failing = false;
  const store = createTokenStore({
    issue: () =>
      failing ? Promise.reject(new Error("down")) : Promise.resolve({ value: `t${++count}`, lifeMs }),
    now: () => at,
    random: () => 0,
  });
  return {
    store,
    to: (time: number) => (at = time),
    fail: (is: boolean) => (failing = is),
    count: () => count,
    get: async () => await store.get("", signal),
  };
}
const settle = async (): Promise<void> => {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
};

describe("a held credential", () => {
  test("is asked for once, however many want it at the same time", async () => {
    const { get, count } = setUp();
    expect(await Promise.all([get(), get(), get()])).toEqual(["t1", "t1", "t1"]);
    expect(count()).toBe(1);
  });

  test("is renewed behind the answer at 70 % of its life", async () => {
    const { get, to } = setUp();
    await get();
    to(699_999);
    await get();
    await settle();
    expect(await get()).toBe("t1");
    to(700_000);
    expect(await get()).toBe("t1");
    await settle();
    expect(await get()).toBe("t2");
  });

  test("serves on while its renewal fails, and is never used at its end", async () => {
    const { get, to, fail } = setUp();
    await get();
    fail(true);
    to(800_000);
    expect(await get()).toBe("t1");
    await settle();
    to(969_999);
    expect(await get()).toBe("t1");
    await settle();
    to(970_000);
    await expect(get()).rejects.toThrow("down");
    fail(false);
    expect(await get()).toBe("t2");
  });

  test("is asked for anew when the clock jumps back", async () => {
    const { get, to } = setUp();
    to(5000);
    await get();
    to(0);
    expect(await get()).toBe("t2");
  });

  test("that is called expired is dropped, once", async () => {
    const { store, get } = setUp();
    await get();
    store.expired("", "t1");
    expect(await get()).toBe("t2");
    store.expired("", "t1");
    expect(await get()).toBe("t2");
  });
});
