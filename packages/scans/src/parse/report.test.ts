import fc from "fast-check";
import { expect, test } from "vitest";
import { fixture, fixtureNames } from "./fixtures.test-support.ts";
import { countVulnerabilities } from "./independent-count.ts";
import { parseReport } from "./report.ts";

const context = { source: "folder", trust: { kind: "unsigned" } } as const;

test.each<[string, unknown, string]>([
  ["nothing", "", "not JSON: Unexpected end of JSON input"],
  ["an empty object", {}, "expected a report"],
  ["an empty list", "[]", "expected a report"],
  ["null", "null", "expected a report"],
  ["a number", 7, "expected a report"],
  ["a bill of materials", { bomFormat: "CycloneDX", components: [] }, "expected a report"],
  ["an empty list of matches", { matches: [] }, "expected a report"],
])("%s is no report", (_, input, reason) => {
  const parsed = parseReport(input, context);
  expect({
    kind: parsed.kind,
    reason: parsed.kind === "report" ? "" : parsed.reason.slice(0, reason.length),
  }).toEqual({
    kind: "not-a-report",
    reason,
  });
});

test("a reason is one safe line, whatever the document holds", () => {
  const parsed = parseReport('{"a": \u001b[2J\n}', context);
  expect(parsed.kind === "not-a-report" && /^[\x20-\x7e]+$/.test(parsed.reason)).toBe(true);
});

test("nesting without end is no report", () => {
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  const statement = `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://in-toto.io/attestation/vulns/v0.2","subject":[],"predicate":{"scanner":{"result":[{"id":"CVE-2026-1000","annotations":${deep}}]},"metadata":{"scanFinishedOn":"2026-11-21T10:00:00Z"}}}`;
  const parsed = parseReport(statement, context);
  expect(parsed.kind === "report" ? parsed.report.findings.length : parsed.reason.slice(0, 4)).toEqual(
    "not ",
  );
});

test("a byte order mark is passed over", () => {
  expect(parseReport(`\uFEFF${fixture("trivy-clean.json")}`, context)).toEqual(
    parseReport(fixture("trivy-clean.json"), context),
  );
});

/** One change somewhere in a document: a value replaced or a key removed. */
const mutation = fc.record({
  place: fc.nat(),
  change: fc.oneof(
    fc.constant({ remove: true as const }),
    fc.record({
      value: fc.oneof(
        fc.jsonValue(),
        fc.constantFrom(null, "", [], {}, 0, -1, "CVE-2026-1", "1970-01-01T00:00:00Z"),
      ),
    }),
  ),
});

type Node = { holder: Record<string, unknown> | unknown[]; key: string | number };

function nodesOf(value: unknown): Node[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  const keys: (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(holder);
  return keys.flatMap((key) => [{ holder, key }, ...nodesOf(holder[key])]);
}

function mutate(
  document: unknown,
  mutations: readonly { place: number; change: { remove: true } | { value: unknown } }[],
): unknown {
  const copy = structuredClone(document);
  for (const { place, change } of mutations) {
    const nodes = nodesOf(copy);
    const node = nodes[place % Math.max(1, nodes.length)];
    if (node === undefined) return copy;
    const holder = node.holder as Record<string | number, unknown>;
    if ("value" in change) holder[node.key] = structuredClone(change.value);
    else if (Array.isArray(holder)) holder.splice(Number(node.key), 1);
    else delete holder[node.key];
  }
  return copy;
}

const samples = fixtureNames.map((name) => ({ name, document: JSON.parse(fixture(name)) as unknown }));

test("a mutated report is never complete with fewer findings than a plain walk finds in it", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      (sample, mutations) => {
        const document = mutate(sample.document, mutations);
        const parsed = parseReport(document, context);
        if (parsed.kind !== "report" || parsed.report.state !== "complete") return;
        expect(parsed.report.findings.length).toBeGreaterThanOrEqual(countVulnerabilities(document) ?? 0);
        expect(parsed.report.scannedAt).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/);
      },
    ),
    { numRuns: 5000 },
  );
});

test("a report without one of its entries has a finding less or says why not", () => {
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.nat(), fc.jsonValue(), (sample, place, value) => {
      const document = mutate(sample.document, [{ place, change: { value } }]);
      const before = parseReport(sample.document, context);
      const after = parseReport(document, context);
      if (before.kind !== "report" || after.kind !== "report" || after.report.state !== "complete") return;
      const lost = (countVulnerabilities(sample.document) ?? 0) - (countVulnerabilities(document) ?? 0);
      expect(before.report.findings.length - after.report.findings.length).toBeLessThanOrEqual(
        Math.max(0, lost),
      );
    }),
    { numRuns: 2000 },
  );
});

test("no text and no JSON makes it throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.jsonValue(), fc.anything()), (input) => {
      expect(["report", "not-a-report"]).toContain(parseReport(input, context).kind);
    }),
  );
});
