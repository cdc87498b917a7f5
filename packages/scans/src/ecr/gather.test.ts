import { expect, test } from "vitest";
import { gather } from "./gather.ts";

const signal = new AbortController().signal;

/** Calls that a test answers by hand. */
function calls() {
  const open: { questions: readonly number[]; answer: () => void; fail: (reason: unknown) => void }[] = [];
  const ask = gather<number, number>({
    most: 3,
    ask: (questions) =>
      new Promise((resolve, reject) => {
        open.push({
          questions,
          answer: () => resolve(questions.map((one) => one * 10)),
          fail: reject,
        });
      }),
  });
  return { open, ask, asked: () => open.map(({ questions }) => questions) };
}

test("a question goes out at once; those that come while two calls are under way go together", async () => {
  const { open, ask, asked } = calls();
  const answers = Promise.all([1, 2, 3, 4, 5, 6].map((one) => ask(one, signal)));
  expect(asked()).toEqual([[1], [2]]);
  open[0]?.answer();
  await expect.poll(asked).toEqual([[1], [2], [3, 4, 5]]);
  open[1]?.answer();
  await expect.poll(asked).toEqual([[1], [2], [3, 4, 5], [6]]);
  for (const { answer } of open) answer();
  expect(await answers).toEqual([10, 20, 30, 40, 50, 60]);
});

test("a call that fails fails its own questions, and the next are asked", async () => {
  const { open, ask } = calls();
  const first = ask(1, signal);
  open[0]?.fail(new Error("no"));
  await expect(first).rejects.toThrow("no");
  const second = ask(2, signal);
  await expect.poll(() => open.length).toBe(2);
  open[1]?.answer();
  expect(await second).toBe(20);
});

test("who gives up leaves the queue, and the others stay in it", async () => {
  const { open, ask, asked } = calls();
  const gone = new AbortController();
  const answers = [1, 2].map((one) => ask(one, signal));
  const third = ask(3, gone.signal);
  answers.push(ask(4, signal));
  gone.abort(new Error("gone"));
  await expect(third).rejects.toThrow("gone");
  open[0]?.answer();
  await expect.poll(asked).toEqual([[1], [2], [4]]);
  for (const { answer } of open) answer();
  expect(await Promise.all(answers)).toEqual([10, 20, 40]);
  await expect(ask(5, gone.signal)).rejects.toThrow("gone");
});

test("answers that do not fit their questions are none", async () => {
  const ask = gather<number, number>({ most: 3, ask: () => Promise.resolve([]) });
  await expect(ask(1, signal)).rejects.toThrow("expected 1 answers, got 0");
});
