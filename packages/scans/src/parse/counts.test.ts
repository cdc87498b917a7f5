import { expect, test } from "vitest";
import { fixture, fixtureNames } from "./fixtures.test-support.ts";
import { countVulnerabilities } from "./independent-count.ts";
import { parseReport } from "./report.ts";

test("every sample has as many findings as a plain walk over it counts", () => {
  const counts = fixtureNames.map((name) => {
    const parsed = parseReport(fixture(name), { source: "folder", trust: { kind: "source" } });
    return [name, parsed.kind === "report" ? parsed.report.findings.length : parsed.reason];
  });
  expect(counts).toEqual(fixtureNames.map((name) => [name, countVulnerabilities(JSON.parse(fixture(name)))]));
  expect(counts).toEqual([
    ["cosign-vuln.json", 1],
    ["grype-0.121.json", 3],
    ["grype-0.50.json", 2],
    ["grype.sarif", 1],
    ["in-toto-vulns-0.1.json", 2],
    ["in-toto-vulns-0.2.json", 4],
    ["trivy-0.27.json", 2],
    ["trivy-0.69.json", 5],
    ["trivy-clean.json", 0],
    ["trivy-schema-1.json", 3],
    ["trivy.sarif", 2],
  ]);
});
