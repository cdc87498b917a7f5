import { describe, expect, it } from "vitest";
import type { VexStatement } from "./model.ts";
import { parseVex, readVex } from "./read-vex.ts";
import { vexIndex } from "./vex.ts";

const product = "pkg:deb/debian/openssl@3";
const openVex = (status: string, day: string) => ({
  "@context": "https://openvex.dev/ns/v0.2.0",
  "@id": `https://example.com/${status}`,
  author: "Acme",
  timestamp: `2026-01-${day}T00:00:00Z`,
  version: 1,
  statements: [
    {
      vulnerability: { name: "CVE-2026-1" },
      products: [{ "@id": product }],
      status,
      ...(status === "not_affected" ? { justification: "component_not_present" } : {}),
    },
  ],
});
const cycloneDx = (state: string, day: string) => ({
  bomFormat: "CycloneDX",
  specVersion: "1.5",
  vulnerabilities: [
    {
      id: "CVE-2026-1",
      analysis: { state, lastUpdated: `2026-01-${day}T00:00:00Z` },
      affects: [{ ref: product }],
    },
  ],
});

describe("readVex", () => {
  const clears = (statements: readonly VexStatement[]) =>
    vexIndex(statements)(
      { id: "CVE-2026-1", severity: "high", package: { name: "openssl", purl: `${product}?arch=amd64` } },
      {},
    )?.status;

  it("lets the latest statement win across documents and formats", () => {
    expect([
      clears(readVex(openVex("not_affected", "01"))),
      clears(readVex(openVex("not_affected", "01"), cycloneDx("exploitable", "02"))),
      clears(readVex(cycloneDx("exploitable", "02"), openVex("not_affected", "03"))),
      clears(readVex(openVex("affected", "01"), cycloneDx("resolved", "02"))),
      clears(readVex()),
    ]).toEqual(["not_affected", undefined, "not_affected", "fixed", undefined]);
  });

  it("says what is wrong with each document, in one error", () => {
    const wrong = { ...openVex("safe", "01"), version: null };
    expect(() => readVex(openVex("fixed", "01"), wrong, { csaf: 2 })).toThrow(
      [
        "the VEX input has 3 problems [GH3011]:",
        "  documents.1.version: expected number, got null",
        '  documents.1.statements.0.status: expected "not_affected" or "fixed" or "affected" or "under_investigation", got "safe"',
        '  documents.2: expected an OpenVEX document (with "@context") or a CycloneDX document (with "bomFormat"), got neither',
      ].join("\n"),
    );
  });

  it("takes nothing that is no document", () => {
    for (const input of [null, undefined, "text", 1, [], Object.create({ bomFormat: "CycloneDX" })])
      expect(parseVex(input).ok).toBe(false);
  });
});
