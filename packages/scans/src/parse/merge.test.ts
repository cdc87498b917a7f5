import type { Finding } from "@gatehouse/policy";
import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeFindings } from "./merge.ts";

const raw = (findings: readonly Finding[]) => findings.map((finding) => ({ finding, distinct: "" }));

test("what one entry knows the finding knows, and of two values the worse", () => {
  const merged = mergeFindings(
    raw([
      {
        id: "CVE-2026-1",
        aliases: ["GHSA-b"],
        severity: "low",
        package: { name: "a", version: "1" },
        fix: { available: false },
        knownExploited: false,
        cvss: 5,
        publishedAt: "2026-02-01T00:00:00Z",
        title: "b",
      },
      { id: "CVE-2026-2", severity: "low", package: { name: "a", version: "1" } },
      {
        id: "CVE-2026-1",
        aliases: ["GHSA-a", "GHSA-b"],
        severity: "high",
        package: { name: "a", version: "1" },
        fix: { available: true, version: "2", since: "2026-03-01T00:00:00Z" },
        knownExploited: true,
        epss: 0.1,
        publishedAt: "2026-01-01T00:00:00Z",
        title: "a",
      },
      {
        id: "CVE-2026-1",
        severity: "unknown",
        package: { name: "a", version: "1" },
        fix: { available: true, version: "1.5", since: "2026-02-01T00:00:00Z" },
        cvss: 4,
      },
    ]),
  );
  expect(merged).toEqual([
    {
      id: "CVE-2026-1",
      aliases: ["GHSA-a", "GHSA-b"],
      severity: "high",
      package: { name: "a", version: "1" },
      fix: { available: true, version: "1.5, 2", since: "2026-02-01T00:00:00Z" },
      cvss: 5,
      epss: 0.1,
      knownExploited: true,
      publishedAt: "2026-01-01T00:00:00Z",
      title: "a",
    },
    { id: "CVE-2026-2", severity: "low", package: { name: "a", version: "1" } },
  ]);
});

test.each<[string, Finding]>([
  ["another version", { id: "CVE-2026-1", severity: "low", package: { name: "a", version: "2" } }],
  ["another path", { id: "CVE-2026-1", severity: "low", package: { name: "a", version: "1", path: "/b" } }],
  ["no package", { id: "CVE-2026-1", severity: "low" }],
])("%s is another finding", (_, other) => {
  const one: Finding = { id: "CVE-2026-1", severity: "low", package: { name: "a", version: "1" } };
  expect(mergeFindings(raw([one, other]))).toEqual([one, other]);
});

test("the order of the entries does not matter to what is known", () => {
  const entry = fc.record(
    {
      severity: fc.constantFrom("critical", "high", "medium", "low", "negligible", "unknown"),
      cvss: fc.constantFrom(1, 5, 9),
      knownExploited: fc.boolean(),
      title: fc.constantFrom("a", "b"),
      aliases: fc.subarray(["A-1", "B-1"], { minLength: 1 }),
      fix: fc.constantFrom(
        { available: false as const },
        { available: true as const },
        { available: true as const, version: "1" },
        { available: true as const, version: "2", since: "2026-01-01T00:00:00Z" },
      ),
    },
    { requiredKeys: ["severity"] },
  );
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 5 }), (entries) => {
      const findings = entries.map((fields): Finding => ({ id: "CVE-2026-1", ...fields }));
      expect(mergeFindings(raw(findings))).toEqual(mergeFindings(raw(findings.toReversed())));
    }),
  );
});
