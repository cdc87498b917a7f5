import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RegistryError } from "./errors.ts";
import { createPace, retryAfter } from "./pace.ts";

const signal = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  await work.then(
    () => "done",
    (error: unknown) => (error instanceof RegistryError ? error.code : error),
  );

describe("a host", () => {
  test("is asked as before when the clock is put back an hour", async () => {
    let at = 3_600_000;
    const pace = createPace("h", () => at, { burst: 2, perSecond: 1, longestWaitMs: 0 });
    const send = () => pace.run(() => Promise.resolve("done"), signal);
    expect(await send()).toBe("done");
    at = 0;
    expect(await send()).toBe("done");
    pace.pause(1000);
    expect(await codeOf(send())).toBe("throttled");
    at = 2000;
    expect(await send()).toBe("done");
  });

  test("gets a burst and then so many requests per second", async () => {
    const pace = createPace("h", Date.now, { burst: 3, perSecond: 10, longestWaitMs: 1000 });
    const sent: number[] = [];
    const start = Date.now();
    const all = Promise.all(
      Array.from({ length: 6 }, () =>
        pace.run(() => {
          sent.push(Date.now() - start);
          return Promise.resolve();
        }, signal),
      ),
    );
    await vi.advanceTimersByTimeAsync(1000);
    await all;
    expect(sent).toEqual([0, 0, 0, 100, 200, 300]);
  });

  test("that has asked for a pause is not asked before its end", async () => {
    const pace = createPace("h", Date.now, { longestWaitMs: 5000 });
    pace.pause(2000);
    let sent = false;
    const work = pace.run(() => Promise.resolve((sent = true)), signal);
    await vi.advanceTimersByTimeAsync(1999);
    expect(sent).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await work).toBe(true);
    pace.pause(5001);
    expect(await codeOf(pace.run(() => Promise.resolve(), signal))).toBe("throttled");
  });

  test("that is ill is left alone for a while, then tried once", async () => {
    const pace = createPace("h", Date.now, { failuresInARow: 2, openForMs: 1000 });
    const ill = () => Promise.reject(new RegistryError("network", "no"));
    const missing = () => Promise.reject(new RegistryError("not-found", "no"));
    const seen = [];
    for (const send of [ill, missing, ill, ill, missing]) seen.push(await codeOf(pace.run(send, signal)));
    expect(seen).toEqual(["network", "not-found", "network", "network", "broken"]);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(await codeOf(pace.run(() => Promise.resolve(), signal))).toBe("done");
  });
});

test("a caller who gives up does not wait for his turn", async () => {
  const pace = createPace("h", Date.now, {});
  pace.pause(5000);
  const hurry = new AbortController();
  const work = codeOf(pace.run(() => Promise.resolve(), hurry.signal));
  await vi.advanceTimersByTimeAsync(10);
  hurry.abort(new Error("gave up"));
  expect(await work).toEqual(new Error("gave up"));
});

test.each([
  ["0", 0],
  ["120", 120_000],
  ["Sun, 22 Nov 2026 10:00:30 GMT", 30_000],
  ["Sun, 22 Nov 2026 09:00:00 GMT", 0],
  ["soon", undefined],
  [null, undefined],
])("Retry-After %s", (header, expected) => {
  expect(retryAfter(header, Date.parse("2026-11-22T10:00:00Z"))).toBe(expected);
});
