import { expect, test } from "vitest";
import { createLedger, faultsOf, note } from "./told.ts";

const line = (id: string, key: string, count: number) =>
  JSON.stringify({ source: "/judges/a", id, data: { key, count } });

test("lines that tell of each request once have no fault, whatever became of broken ones", () => {
  const ledger = createLedger();
  for (const id of ["1", "2", "3", "dry"]) ledger.answered.add(id);
  ledger.silent.add("dry");
  for (const id of ["4", "5"]) ledger.broken.add(id);
  for (const text of [line("1", "k", 1), line("2", "other", 1), line("4", "k", 2), line("3", "k", 3)])
    note(ledger, text);
  expect(faultsOf(ledger)).toEqual({ untold: [], twice: [], unasked: [], miscounted: [] });
});

test("each fault is found", () => {
  const ledger = createLedger();
  for (const id of ["1", "2", "dry"]) ledger.answered.add(id);
  ledger.silent.add("dry");
  for (const text of [line("1", "k", 1), line("1", "k", 2), line("dry", "d", 1), line("new", "k", 4)])
    note(ledger, text);
  expect(faultsOf(ledger)).toEqual({
    untold: ["2"],
    twice: ["1"],
    unasked: ["dry", "new"],
    miscounted: ["k: 4 where 3 was to come"],
  });
});
