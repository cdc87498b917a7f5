import type { Policy } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { policy } from "../testing/fixtures.ts";
import { nextBoundary } from "./boundaries.ts";

const at = (text: string) => Date.parse(text);
const until = (text: string): Policy => ({
  ...policy,
  exemptions: { e: { reason: "r", owner: "o", until: text, cves: "CVE-1" } },
});

test.each([
  ["midnight, where nothing ends before", until("2026-12-01"), "2026-11-23T00:00:00Z"],
  ["the end of an exemption", until("2026-11-22T18:30:00Z"), "2026-11-22T18:30:00Z"],
  ["midnight, where all has ended", until("2026-11-22T11:00:00Z"), "2026-11-23T00:00:00Z"],
  ["the last moment of a bare date", until("2026-11-22"), "2026-11-23T00:00:00Z"],
])("the next boundary is %s", (_, policy, expected) => {
  expect(nextBoundary(policy, at("2026-11-22T12:00:00Z"))).toBe(at(expected));
});

test("at midnight itself the next one is a day away", () => {
  expect(nextBoundary(policy, at("2026-11-23T00:00:00Z"))).toBe(at("2026-11-24T00:00:00Z"));
});
