import { expect, test } from "vitest";
import { keepWarm } from "./keep-warm.ts";

/** A clock on which sleeping is all that takes time. */
function setUp(images: readonly string[], rounds: number) {
  let at = 0;
  let left = images.length * rounds;
  const asked: [number, string][] = [];
  const controller = new AbortController();
  const run = async (options: { everyMs: number; perSecond?: number; cost?: number }): Promise<void> =>
    await keepWarm(
      {
        ...options,
        images: () => images,
        now: () => at,
        sleep: async (ms) => {
          // What was started at this moment is under way before the clock moves on.
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
          at += ms;
        },
        refresh: (image) => {
          asked.push([at, image]);
          at += options.cost ?? 0;
          if (--left === 0) controller.abort();
          return Promise.resolve();
        },
      },
      controller.signal,
    );
  return { asked, run };
}

test("each image has its slot in the round", async () => {
  const { asked, run } = setUp(["a", "b", "c", "d"], 2);
  await run({ everyMs: 4000 });
  expect(asked).toEqual([
    [0, "a"],
    [1000, "b"],
    [2000, "c"],
    [3000, "d"],
    [4000, "a"],
    [5000, "b"],
    [6000, "c"],
    [7000, "d"],
  ]);
});

test("no more are asked for in a second than allowed, however many there are", async () => {
  const { asked, run } = setUp(
    Array.from({ length: 50 }, (_, index) => `i${index}`),
    1,
  );
  await run({ everyMs: 1000, perSecond: 10 });
  expect(asked.map(([time]) => time)).toEqual(Array.from({ length: 50 }, (_, index) => index * 100));
});

test("an image twice is asked for once", async () => {
  const { asked, run } = setUp(["a", "a"], 0.5);
  await run({ everyMs: 1000 });
  expect(asked).toEqual([[0, "a"]]);
});

test("a refresh that fails does not end the round", async () => {
  const controller = new AbortController();
  const asked: string[] = [];
  await keepWarm(
    {
      images: () => ["a", "b"],
      now: () => 0,
      sleep: () => Promise.resolve(),
      refresh: (image) => {
        asked.push(image);
        if (image === "b") controller.abort();
        return Promise.reject(new Error("down"));
      },
    },
    controller.signal,
  );
  expect(asked).toEqual(["a", "b"]);
});
