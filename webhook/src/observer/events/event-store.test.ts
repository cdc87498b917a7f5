import { expect, test } from "vitest";
import { createEventStore } from "./event-store.ts";

function said(
  key: string,
  count: number,
  change: { id?: string; judge?: string; namespace?: string; at?: number } = {},
) {
  return {
    specversion: "1.0",
    type: "io.gatehouse.admission.v1",
    source: `/clusters/c/judges/${change.judge ?? "a"}`,
    id: change.id ?? `${change.judge ?? "a"}-${key}-${count}-${change.at ?? 0}`,
    time: new Date(Date.UTC(2026, 10, 22, 12, 0, change.at ?? 0)).toISOString(),
    data: { object: { namespace: change.namespace ?? "shop" }, key, count },
  };
}

const counts = (store: ReturnType<typeof createEventStore>) =>
  store
    .after(0, 100)
    .map(({ text, count }) => [(JSON.parse(text) as { data: { key: string } }).data.key, count]);

test("what is said again counts up and moves to the end", () => {
  const store = createEventStore();
  store.receive([said("k", 1, { at: 1 }), said("other", 1)]);
  const { position } = store;
  store.receive([said("k", 2, { at: 9 })]);
  expect(counts(store)).toEqual([
    ["other", 1],
    ["k", 2],
  ]);
  const [newest] = store.after(position, 100);
  expect(newest).toMatchObject({
    count: 2,
    firstAt: "2026-11-22T12:00:01.000Z",
    lastAt: "2026-11-22T12:00:09.000Z",
    position: position + 1,
  });
});

test("a batch that is sent again changes nothing", () => {
  const store = createEventStore();
  const batch = [said("k", 1), said("k", 2)];
  expect(store.receive(batch)).toEqual({ stored: 2, repeated: 0, problems: [] });
  const { position } = store;
  expect(store.receive(batch)).toEqual({ stored: 0, repeated: 2, problems: [] });
  expect([counts(store), store.position]).toEqual([[["k", 2]], position]);
});

test("a request that the API server sent to two judges counts once", () => {
  const store = createEventStore();
  store.receive([
    said("k", 1, { id: "request-1", judge: "a" }),
    said("k", 1, { id: "request-1", judge: "b" }),
  ]);
  expect(counts(store)).toEqual([["k", 1]]);
  store.receive([said("k", 2, { judge: "b" })]);
  expect(counts(store)).toEqual([["k", 2]]);
});

test("judges add up, also events that were lost on the way, and a judge that begins anew", () => {
  const store = createEventStore();
  store.receive([said("k", 5, { judge: "a" }), said("k", 2, { judge: "b" })]);
  expect(counts(store)).toEqual([["k", 7]]);
  // Restarted: it counts from 1 again.
  store.receive([said("k", 1, { judge: "a", at: 30 })]);
  expect(counts(store)).toEqual([["k", 8]]);
  for (let judge = 0; judge < 20; judge++) store.receive([said("k", 1, { judge: `new-${judge}` })]);
  expect(counts(store)).toEqual([["k", 28]]);
});

test("it holds so many events and so many characters, and says what it forgot", () => {
  let dropped = 0;
  const store = createEventStore({ maxEvents: 3, dropped: () => dropped++ });
  store.receive(["a", "b", "c", "d", "e"].map((key) => said(key, 1)));
  expect(counts(store).map(([key]) => key)).toEqual(["c", "d", "e"]);
  expect([dropped, store.size]).toEqual([2, 3]);
  expect([1, 2, 3].map((position) => store.forgottenSince(position))).toEqual([true, false, false]);
  const { length } = JSON.stringify(said("a", 1));
  const small = createEventStore({ maxBytes: length * 2 + 10 });
  small.receive(["a", "b", "c"].map((key) => said(key, 1)));
  expect(counts(small).map(([key]) => key)).toEqual(["b", "c"]);
  expect(small.bytes).toBe(length * 2);
});

test("readers see what they may, page by page", () => {
  const store = createEventStore();
  store.receive([said("a", 1), said("b", 1, { namespace: "pay" }), said("c", 1)]);
  const shop = (namespace: string) => namespace === "shop";
  const [first] = store.after(0, 1, shop);
  expect(first?.position).toBe(1);
  expect(store.after(1, 10, shop).map(({ position }) => position)).toEqual([3]);
  expect([...store.latest()].map(({ position }) => position)).toEqual([3, 2, 1]);
});

test("what was forgotten is told to those alone who could have seen it", () => {
  const store = createEventStore({ maxEvents: 2 });
  store.receive([said("a", 1), said("b", 1, { namespace: "pay" }), said("c", 1), said("d", 1)]);
  // Gone are position 1 of shop and 2 of pay.
  const of = (name: string) => (namespace: string) => namespace === name;
  expect([store.forgottenSince(0, of("shop")), store.forgottenSince(1, of("shop"))]).toEqual([true, false]);
  expect([store.forgottenSince(1, of("pay")), store.forgottenSince(2, of("pay"))]).toEqual([true, false]);
  expect(store.forgottenSince(0, of("other"))).toBe(false);
});

test("what is no event is told and left out", () => {
  const store = createEventStore();
  const wrong = [
    null,
    1,
    {},
    { ...said("a", 1), type: "org.other" },
    said("b", 0),
    { ...said("c", 1), data: {} },
  ];
  const { stored, problems } = store.receive([...wrong, said("d", 1)]);
  expect([stored, problems.length, store.size]).toEqual([1, wrong.length, 1]);
});

test("listeners hear of each change until they leave", () => {
  const store = createEventStore();
  let heard = 0;
  const leave = store.subscribe(() => heard++);
  store.receive([said("a", 1)]);
  store.receive([said("a", 1)]);
  leave();
  store.receive([said("b", 1)]);
  expect(heard).toBe(1);
});
