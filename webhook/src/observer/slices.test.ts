import { expect, test } from "vitest";
import { inSlices } from "./slices.ts";

/** A clock on which each look takes a millisecond. */
function ticking(): () => number {
  let at = 0;
  return () => ++at;
}

function* counting(to: number): Generator<void, number> {
  for (let count = 0; count < to; count++) yield;
  return to;
}

test("others have their turn between slices", async () => {
  let turns = 0;
  let running = true;
  const other = () => {
    turns++;
    if (running) setImmediate(other);
  };
  setImmediate(other);
  expect(await inSlices(counting(200), { clock: ticking() })).toBe(200);
  running = false;
  expect(turns).toBeGreaterThanOrEqual(5);
});

test("an aborted signal ends it at the next slice", async () => {
  const signal = AbortSignal.abort(new Error("gone"));
  await expect(inSlices(counting(1_000), { clock: ticking(), signal })).rejects.toThrow("gone");
});

test("an error of a step is the caller's", async () => {
  // oxlint-disable-next-line require-yield -- it fails before its first
  function* failing(): Generator<void, number> {
    throw new Error("broken");
  }
  await expect(inSlices(failing())).rejects.toThrow("broken");
});
