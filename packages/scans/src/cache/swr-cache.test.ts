import { describe, expect, test } from "vitest";
import { createSwrCache, type SwrCacheOptions } from "./swr-cache.ts";

type Value = { text: string; ok: boolean };

function setUp(options: Partial<SwrCacheOptions<Value>> = {}) {
  let time = 0;
  const outcomes: string[] = [];
  const cache = createSwrCache<Value>({
    terms: ({ ok }) => (ok ? { freshMs: 100, usableMs: 1000 } : { freshMs: 10, usableMs: 10 }),
    bytes: ({ text }) => text.length,
    maxBytes: 100,
    keep: (_held, fresh) => !fresh.ok,
    clock: () => time,
    observe: (outcome) => outcomes.push(outcome),
    ...options,
  });
  let loads = 0;
  const get = async (key: string, value: Value): Promise<string> =>
    (
      await cache.get(key, () => {
        loads++;
        return Promise.resolve(value);
      })
    ).text;
  return { cache, get, outcomes, at: (ms: number) => (time = ms), loads: () => loads };
}

const good = (text: string): Value => ({ text, ok: true });
const bad: Value = { text: "no answer", ok: false };
/** Lets what runs behind an answer come to its end. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

describe("a value", () => {
  test("that is held is given at once, fresh or not", async () => {
    const { cache, get, at } = setUp();
    await get("k", good("one"));
    const held = () => cache.get("k", () => Promise.resolve(good("two")));
    expect(held()).toEqual(good("one"));
    at(500);
    expect(held()).toEqual(good("one"));
    await settle();
    expect(held()).toEqual(good("two"));
  });

  test("serves while fresh, then while it is loaded again, then no longer", async () => {
    const { get, at, outcomes } = setUp();
    const seen = [await get("k", good("one"))];
    at(99);
    seen.push(await get("k", good("never")));
    at(100);
    seen.push(await get("k", good("two")));
    await settle();
    seen.push(await get("k", good("never")));
    at(5000);
    seen.push(await get("k", good("three")));
    expect([seen, outcomes]).toEqual([
      ["one", "one", "one", "two", "three"],
      ["miss", "hit", "stale", "hit", "miss"],
    ]);
  });

  test("that cannot be loaded again serves as long as it may, and is tried again in between", async () => {
    const { get, at, loads } = setUp({
      terms: ({ ok }) => (ok ? { freshMs: 100, usableMs: 60_000 } : { freshMs: 10, usableMs: 10 }),
    });
    await get("k", good("one"));
    at(200);
    await get("k", bad);
    await settle();
    at(5000);
    expect([await get("k", bad), loads()]).toEqual(["one", 2]);
    at(11_000);
    await get("k", bad);
    await settle();
    expect(loads()).toBe(3);
    at(60_001);
    expect(await get("k", bad)).toBe("no answer");
  });

  test("that is a failure ends soon", async () => {
    const { get, at } = setUp();
    await get("k", bad);
    at(9);
    expect(await get("k", good("one"))).toBe("no answer");
    at(10);
    expect(await get("k", good("one"))).toBe("one");
  });
});

test("many who ask at once share one load, and each gets it", async () => {
  const { cache, outcomes } = setUp();
  let finish: (value: Value) => void = () => {};
  const slow = new Promise<Value>((resolve) => {
    finish = resolve;
  });
  let loads = 0;
  const asked = Array.from(
    { length: 50 },
    async () =>
      await cache.get("k", () => {
        loads++;
        return slow;
      }),
  );
  finish(good("one"));
  expect([(await Promise.all(asked)).every(({ text }) => text === "one"), loads]).toEqual([true, 1]);
  expect(outcomes.filter((outcome) => outcome === "joined").length).toBe(49);
});

describe("its bound", () => {
  test("drops what was not used for longest", async () => {
    const { cache, get } = setUp();
    const text = "x".repeat(24);
    for (const key of ["a", "b", "c", "d"]) await get(key, good(text));
    await get("a", good("never"));
    await get("e", good(text));
    expect(["a", "b", "c", "d", "e"].filter((key) => cache.peek(key) !== undefined)).toEqual([
      "a",
      "c",
      "d",
      "e",
    ]);
    expect(cache.bytes).toBe(96);
  });

  test("a value of more than a quarter is not held", async () => {
    const { cache, get } = setUp();
    expect(await get("a", good("x".repeat(26)))).toBe("x".repeat(26));
    expect(cache.entries).toBe(0);
  });

  test("counts what values share, and releases what is dropped", async () => {
    let shared = 0;
    const { cache, get } = setUp({
      bytes: () => 1,
      admit: (value) => {
        shared += value.text.length;
        return value;
      },
      release: ({ text }) => {
        shared -= text.length;
      },
      sharedBytes: () => shared,
    });
    for (const key of ["a", "b", "c", "d", "e", "f"]) await get(key, good("x".repeat(20)));
    expect([cache.entries, cache.bytes, shared]).toEqual([4, 84, 80]);
  });
});
