import { nextTurn } from "./next-turn.ts";

/** Longest that work is done without letting others have a turn, in milliseconds. */
const sliceMs = 20;

/** Runs a generator to its end and gives its result, in slices between which the event loop goes on. */
export async function inSlices<T>(
  steps: Generator<void, T>,
  options: { signal?: AbortSignal; clock?: () => number } = {},
): Promise<T> {
  const clock = options.clock ?? (() => performance.now());
  let begun = clock();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (clock() - begun < sliceMs) continue;
    await nextTurn();
    options.signal?.throwIfAborted();
    begun = clock();
  }
}
