import { unscanned, type ImageScan } from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import { afterEach, expect, test, vi } from "vitest";
import { critical, scanned } from "../../testing/fixtures.ts";
import { createReportStore, type ReportStore, type Wanted } from "./report-store.ts";

let store: ReportStore | undefined;
afterEach(() => {
  store?.stop();
  store = undefined;
  vi.useRealTimers();
});

const minute = 60_000;
const want = (reference: string): Wanted => ({ reference, platforms: ["linux/amd64"] });
const byTag = want("r.io/a:1");
const byDigest = want(`r.io/a@sha256:${"a".repeat(64)}`);

function start(lookUp: LookUp, change: Partial<Parameters<typeof createReportStore>[0]> = {}) {
  vi.useFakeTimers({ now: 1_000_000_000 });
  const changed: string[] = [];
  store = createReportStore({
    lookUp,
    changed: ({ reference }) => changed.push(reference),
    now: Date.now,
    random: () => 0.5,
    ...change,
  });
  return { store, changed };
}

/** Look-ups that are counted, and answer with what `answer` says now. */
function counted(answer: (reference: string) => ImageScan): { lookUp: LookUp; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    lookUp: (reference) => {
      asked.push(reference);
      return Promise.resolve(answer(reference));
    },
  };
}

test("what is wanted is looked up once, whoever wants it, and forgotten with the last of them", async () => {
  const { lookUp, asked } = counted(() => scanned([]));
  const { store, changed } = start(lookUp);
  store.want(byDigest);
  store.want(byDigest);
  expect([store.pending, store.size]).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([asked.length, changed, store.pending]).toEqual([1, [byDigest.reference], 0]);
  expect(store.scan(byDigest)).toEqual(scanned([]));
  store.drop(byDigest);
  expect(store.size).toBe(1);
  store.drop(byDigest);
  expect([store.size, store.scan(byDigest)]).toEqual([0, undefined]);
});

test("a report stays the same object while it says the same, and a change is told once", async () => {
  let answer = () => scanned([critical]);
  const { lookUp } = counted(() => answer());
  const { store, changed } = start(lookUp);
  store.want(byTag);
  await vi.advanceTimersByTimeAsync(1_000);
  const first = store.scan(byTag);
  await vi.advanceTimersByTimeAsync(60 * minute);
  expect(store.scan(byTag)).toBe(first);
  expect(changed).toHaveLength(1);
  answer = () => scanned([]);
  await vi.advanceTimersByTimeAsync(10 * minute);
  expect([changed.length, store.scan(byTag)]).toEqual([2, scanned([])]);
});

test("tags are looked up more often than digests, and what is still to come more often than both", async () => {
  const { lookUp, asked } = counted((reference) =>
    reference === "r.io/pending:1" ? unscanned("pending", "under way", "s") : scanned([]),
  );
  const { store } = start(lookUp);
  for (const one of [byTag, byDigest, want("r.io/pending:1")]) store.want(one);
  await vi.advanceTimersByTimeAsync(60 * minute);
  const times = (reference: string) => asked.filter((one) => one === reference).length;
  expect(times(byDigest.reference)).toBeGreaterThanOrEqual(4);
  expect(times(byDigest.reference)).toBeLessThanOrEqual(6);
  expect(times(byTag.reference)).toBeGreaterThanOrEqual(11);
  expect(times(byTag.reference)).toBeLessThanOrEqual(14);
  expect(times("r.io/pending:1")).toBeGreaterThanOrEqual(50);
});

test("a look-up that fails for a moment changes nothing, one that goes on failing does", async () => {
  let answer = () => scanned([]);
  const { lookUp } = counted(() => answer());
  const { store, changed } = start(lookUp);
  store.want(byTag);
  await vi.advanceTimersByTimeAsync(1_000);
  answer = () => unscanned("unavailable", "no route", "s");
  await vi.advanceTimersByTimeAsync(4 * minute);
  expect(store.scan(byTag)).toEqual(scanned([]));
  await vi.advanceTimersByTimeAsync(10 * minute);
  expect(store.scan(byTag)?.platforms[0]?.report.state).toBe("unavailable");
  expect(changed).toHaveLength(2);
  expect(store.oldestMs()).toBeGreaterThan(10 * minute);
});

test("a look-up that rejects is a scan without an answer", async () => {
  const { store } = start(() => Promise.reject(new Error("broken")));
  store.want(byTag);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(store.scan(byTag)?.platforms[0]?.report).toMatchObject({
    state: "unavailable",
    reason: "the look-up failed: broken",
  });
  expect(store.states()).toEqual(new Map([["unavailable", 1]]));
});

test("refreshes are spread: none of a second's is more than its share", async () => {
  const { lookUp, asked } = counted(() => scanned([]));
  let seed = 1;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const { store } = start(lookUp, { random, perSecond: 10 });
  for (let image = 0; image < 1_000; image++)
    store.want(want(`r.io/a@sha256:${image.toString(16).padStart(64, "0")}`));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(asked.length).toBe(1_000);
  let most = 0;
  for (let second = 0; second < 30 * 60; second++) {
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(1_000);
    most = Math.max(most, asked.length - before);
  }
  expect(most).toBeLessThanOrEqual(10);
  expect(asked.length).toBeGreaterThan(2_000);
});

test("no more look-ups are under way than allowed", async () => {
  let under = 0;
  let most = 0;
  const { store } = start(
    async () => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setTimeout(resolve, 500));
      under--;
      return scanned([]);
    },
    { concurrency: 3 },
  );
  for (let image = 0; image < 20; image++) store.want(want(`r.io/${image}:1`));
  await vi.advanceTimersByTimeAsync(60_000);
  expect([most, store.pending]).toEqual([3, 0]);
});

test("freshening looks tags up again and leaves digests, and waits for what was never looked up", async () => {
  let moved = false;
  const { lookUp, asked } = counted((reference) =>
    moved && reference === byTag.reference ? scanned([critical]) : scanned([]),
  );
  const { store } = start(lookUp);
  store.want(byTag);
  store.want(byDigest);
  await vi.advanceTimersByTimeAsync(1_000);
  moved = true;
  asked.length = 0;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await store.freshen(minute, AbortSignal.timeout(5_000))).toBe(0);
  expect(asked).toEqual([]);
  store.want(want("r.io/new:1"));
  expect(await store.freshen(5_000, AbortSignal.timeout(5_000))).toBe(0);
  expect(asked.toSorted()).toEqual(["r.io/a:1", "r.io/new:1"]);
  expect(store.scan(byTag)).toEqual(scanned([critical]));
});

test("freshening ends when its time is up, and says how much is not known", async () => {
  const { store } = start(() => new Promise(() => {}));
  store.want(byTag);
  const controller = new AbortController();
  const result = store.freshen(0, controller.signal);
  await vi.advanceTimersByTimeAsync(1_000);
  controller.abort();
  expect(await result).toBe(1);
});
