import { describe, expect, it } from "vitest";
import type { VexStatement } from "./model.ts";
import { problemsOf } from "./problems.ts";
import { readVex } from "./read-vex.ts";
import { vexStatementSchema } from "./vex-schema.ts";

const problems = (input: unknown) => {
  const parsed = vexStatementSchema.safeParse(input);
  return parsed.success ? [] : problemsOf(parsed.error, input);
};
const statement: VexStatement = {
  vulnerability: "CVE-2026-1",
  aliases: ["GHSA-1"],
  status: "not_affected",
  products: [{ digest: `sha256:${"ab".repeat(32)}`, repository: "r.io/a", tag: "1", package: "pkg:npm/a@1" }],
  justification: "component_not_present",
  timestamp: "2026-01-01T00:00:00.000Z",
  document: "https://example.com/vex",
};

describe("vexStatementSchema", () => {
  it("takes a whole statement as it is", () => {
    expect(vexStatementSchema.parse(statement)).toEqual(statement);
  });

  it("takes what readVex makes", () => {
    const read = readVex({
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      vulnerabilities: [{ id: "CVE-1", analysis: { state: "in_triage" }, affects: [{ ref: "pkg:npm/a" }] }],
    });
    expect(read.map((one) => vexStatementSchema.parse(one))).toEqual([
      {
        vulnerability: "CVE-1",
        status: "under_investigation",
        products: [{ package: "pkg:npm/a" }],
        document: "CycloneDX document without a serialNumber",
      },
    ]);
  });

  it("says all that is wrong", () => {
    const products = [{}, { digest: "sha256:1" }, { package: "openssl" }, { image: "a" }];
    expect([
      problems({ ...statement, vulnerability: "", status: "safe", products, timestamp: "2026-01-01" }),
      problems({ ...statement, products: [] }),
    ]).toEqual([
      [
        { path: "vulnerability", problem: 'expected text that is not empty, got ""' },
        {
          path: "status",
          problem: 'expected "not_affected" or "fixed" or "affected" or "under_investigation", got "safe"',
        },
        { path: "products.0", problem: "expected a digest, repository, tag or package, got none of them" },
        {
          path: "products.1.digest",
          problem: 'expected sha256: and 64 or sha512: and 128 lower-case hexadecimal digits, got "sha256:1"',
        },
        {
          path: "products.2.package",
          problem: 'expected a package URL, pkg:type/namespace/name@version, got "openssl"',
        },
        { path: "products.3.image", problem: "no such field" },
        { path: "products.3", problem: "expected a digest, repository, tag or package, got none of them" },
        { path: "timestamp", problem: 'expected a moment such as 2026-11-22T10:00:00Z, got "2026-01-01"' },
      ],
      [{ path: "products", problem: "expected at least one product, got []" }],
    ]);
  });
});
