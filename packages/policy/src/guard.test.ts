import { expect, test } from "vitest";
import { acknowledgement, unacknowledged } from "./guard.ts";
import type { ImpactEntry } from "./impact-model.ts";

function denied(owner: string, ...rules: string[]): ImpactEntry {
  return {
    owner,
    namespace: owner.split("/")[0] ?? "",
    before: "allow",
    after: "deny",
    rules,
    images: [],
    couldNotTell: false,
  };
}

const change = {
  newlyDenied: [
    denied("shop/Deployment/web", "no-criticals", "scanned"),
    denied("pay/CronJob/nightly", "no-criticals"),
  ],
};

test("all that is newly denied has to be acknowledged, rule by rule", () => {
  expect(unacknowledged(change, {})).toEqual([
    { rule: "no-criticals", owner: "pay/CronJob/nightly" },
    { rule: "no-criticals", owner: "shop/Deployment/web" },
    { rule: "scanned", owner: "shop/Deployment/web" },
  ]);
  expect(unacknowledged(change, { "no-criticals": ["shop/Deployment/web", "pay/CronJob/nightly"] })).toEqual([
    { rule: "scanned", owner: "shop/Deployment/web" },
  ]);
});

test("one fewer than acknowledged passes, one more does not", () => {
  const block = acknowledgement(change);
  expect(unacknowledged({ newlyDenied: change.newlyDenied.slice(1) }, block)).toEqual([]);
  const more = { newlyDenied: [...change.newlyDenied, denied("shop/Deployment/new", "scanned")] };
  expect(unacknowledged(more, block)).toEqual([{ rule: "scanned", owner: "shop/Deployment/new" }]);
});

test("the block is sorted and has each owner once", () => {
  const twice = { newlyDenied: [...change.newlyDenied, ...change.newlyDenied] };
  expect(acknowledgement(twice)).toEqual({
    "no-criticals": ["pay/CronJob/nightly", "shop/Deployment/web"],
    scanned: ["shop/Deployment/web"],
  });
});

test("a rule may be called like something that every object has", () => {
  const odd = { newlyDenied: [denied("shop/Deployment/web", "constructor")] };
  expect(unacknowledged(odd, {})).toEqual([{ rule: "constructor", owner: "shop/Deployment/web" }]);
  expect(acknowledgement(odd)).toEqual({ constructor: ["shop/Deployment/web"] });
});
