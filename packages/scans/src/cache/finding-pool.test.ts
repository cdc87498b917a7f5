import type { Finding } from "@gatehouse/policy";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createFindingPool } from "./finding-pool.ts";

const finding: Finding = { id: "CVE-2026-1", severity: "high", package: { name: "openssl", version: "3.0" } };
const sameInAnotherOrder: Finding = {
  package: { version: "3.0", name: "openssl" },
  severity: "high",
  id: "CVE-2026-1",
};

test("equal findings are one object, whatever the order of their fields", () => {
  const pool = createFindingPool();
  const [a] = pool.share([finding]);
  const [b] = pool.share([sameInAnotherOrder]);
  expect(a).toEqual(finding);
  expect([a === b, pool.size, Object.isFrozen(a?.package)]).toEqual([true, 1, true]);
});

test("findings that differ in anything stay apart", () => {
  const pool = createFindingPool();
  const others: Partial<Finding>[] = [
    {},
    { severity: "low" },
    { fix: { available: false } },
    { fix: { available: true } },
    { fix: { available: true, version: "1" } },
    { aliases: ["GHSA-1"] },
    { aliases: ["GHSA-1", "GHSA-2"] },
    { aliases: ["GHSA-2", "GHSA-1"] },
    { cvss: 1 },
    { knownExploited: false },
  ];
  const all = others.map((other): Finding => ({ ...finding, ...other }));
  pool.share(all);
  expect(pool.size).toBe(all.length);
  pool.share(all.map((one) => structuredClone(one)));
  expect(pool.size).toBe(all.length);
});

test("nothing is left when all that was shared is released, in any order", () => {
  const ids = fc.array(fc.array(fc.constantFrom("a", "b", "c", "d")), { maxLength: 20 });
  fc.assert(
    fc.property(ids, fc.func(fc.integer()), (reports, order) => {
      const pool = createFindingPool();
      const shared = reports.map((report) =>
        pool.share(report.map((id): Finding => ({ id, severity: "unknown" }))),
      );
      expect(pool.size).toBe(new Set(reports.flat()).size);
      for (const report of shared.sort((a, b) => order(a.length) - order(b.length))) pool.release(report);
      expect([pool.size, pool.bytes]).toEqual([0, 0]);
    }),
  );
});
