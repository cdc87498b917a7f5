import { describe, expect, it } from "vitest";
import { parseCycloneDxVex } from "./cyclonedx-vex.ts";

const hex = "cd".repeat(32);
const digest = `sha256:${hex}`;
const serial = "3e671687-395b-41f5-a30f-a58921a69b79";
const jackson = "pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.9.4";
const library = { "bom-ref": "jackson", type: "library", name: "jackson-databind", purl: jackson };
const image = {
  "bom-ref": "image",
  type: "container",
  name: "app",
  purl: `pkg:oci/app@sha256%3A${hex}?arch=amd64`,
};

const bom = (rest: object) => ({
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  serialNumber: `urn:uuid:${serial}`,
  version: 1,
  ...rest,
});
const notAffected = (ref: string, rest: object = {}) => ({
  id: "CVE-2018-7489",
  source: { name: "NVD" },
  analysis: { state: "not_affected", justification: "code_not_reachable", response: ["update"], ...rest },
  affects: [{ ref }],
});
const statement = (products: unknown, rest: object = {}) => ({
  vulnerability: "CVE-2018-7489",
  status: "not_affected",
  products,
  justification: "code_not_reachable",
  document: `urn:uuid:${serial}/1`,
  ...rest,
});
/** The products that a document's only vulnerability comes to. */
const productsOf = (ref: string, rest: object, state = "not_affected") => {
  const parsed = parseCycloneDxVex(bom({ ...rest, vulnerabilities: [notAffected(ref, { state })] }));
  return parsed.ok ? (parsed.statements[0]?.products ?? parsed.unmatched) : parsed.problems;
};

describe("parseCycloneDxVex", () => {
  it("reads a component by its bom-ref", () => {
    expect(
      parseCycloneDxVex(bom({ components: [library], vulnerabilities: [notAffected("jackson")] })),
    ).toEqual({
      ok: true,
      statements: [statement([{ package: jackson }])],
      unmatched: [],
    });
  });

  it("reads every state and specification version, passing over vulnerabilities without a state", () => {
    const states = [
      "not_affected",
      "false_positive",
      "resolved",
      "resolved_with_pedigree",
      "exploitable",
      "in_triage",
    ];
    for (const specVersion of ["1.4", "1.5", "1.6"]) {
      const vulnerabilities = [
        ...states.map((state) => notAffected(jackson, { state })),
        { id: "CVE-1", affects: [{ ref: jackson }] },
        { id: "CVE-2", analysis: { detail: "to do" } },
      ];
      const parsed = parseCycloneDxVex(bom({ specVersion, vulnerabilities }));
      expect(parsed.ok && parsed.statements.map((one) => [one.status, one.justification])).toEqual([
        ["not_affected", "code_not_reachable"],
        ["not_affected", "code_not_reachable"],
        ["fixed", "code_not_reachable"],
        ["fixed", "code_not_reachable"],
        ["affected", undefined],
        ["under_investigation", undefined],
      ]);
    }
  });

  it("reads aliases, moments and the detail as a reason", () => {
    const document = {
      ...bom({ metadata: { timestamp: "2026-01-01T00:00:00Z" } }),
      serialNumber: undefined,
      vulnerabilities: [
        {
          ...notAffected(jackson, {
            justification: undefined,
            detail: "Not called",
            firstIssued: "2026-02-02T00:00:00Z",
            lastUpdated: "2026-03-01T01:00:00+01:00",
          }),
          references: [{ id: "GHSA-1", source: { name: "GitHub" } }, { source: {} }],
        },
        notAffected(jackson, { firstIssued: "2026-02-01T00:00:00Z" }),
        notAffected(jackson),
      ],
    };
    const nameless = { document: "CycloneDX document without a serialNumber" };
    expect(parseCycloneDxVex(document)).toEqual({
      ok: true,
      statements: [
        statement([{ package: jackson }], {
          ...nameless,
          aliases: ["GHSA-1"],
          justification: "Not called",
          timestamp: "2026-03-01T00:00:00.000Z",
        }),
        statement([{ package: jackson }], { ...nameless, timestamp: "2026-02-01T00:00:00.000Z" }),
        statement([{ package: jackson }], { ...nameless, timestamp: "2026-01-01T00:00:00.000Z" }),
      ],
      unmatched: [],
    });
  });

  it("reads refs of every kind", () => {
    const components = [{ type: "application", name: "a", components: [library] }];
    const here = `urn:cdx:${serial}/1#`;
    const elsewhere = "urn:cdx:11111111-1111-1111-1111-111111111111/1#";
    expect([
      productsOf(jackson, {}),
      productsOf(`pkg:oci/app@${digest}`, {}),
      productsOf("jackson", { components }),
      productsOf(`${here}jackson`, { components }),
      productsOf(`${here}%6aackson`, { components }),
      productsOf(`${elsewhere}${jackson}?type=jar`, { components }),
      productsOf(`${elsewhere}pkg:npm/%40acme/app@1`, { components }),
      productsOf(`${elsewhere}${encodeURIComponent("pkg:npm/%40acme/app@1")}`, { components }),
      productsOf("box", {
        components: [{ "bom-ref": "box", type: "container", hashes: [{ alg: "SHA-256", content: hex }] }],
      }),
    ]).toEqual([
      [{ package: jackson }],
      [{ digest }],
      [{ package: jackson }],
      [{ package: jackson }],
      [{ package: jackson }],
      [{ package: jackson }],
      [{ package: "pkg:npm/%40acme/app@1" }],
      [{ package: "pkg:npm/%40acme/app@1" }],
      [{ digest }],
    ]);
  });

  it("takes a component of an image's BOM as that component in that image", () => {
    const inImage = { metadata: { component: image }, components: [library] };
    expect([
      productsOf("jackson", inImage),
      productsOf("image", inImage),
      productsOf(jackson, inImage),
      productsOf("jackson", inImage, "exploitable"),
    ]).toEqual([
      [{ digest, package: jackson }],
      [{ digest }],
      [{ digest, package: jackson }],
      [{ digest, package: jackson }],
    ]);
  });

  it("takes nothing out for a component of something that is no image, yet lets it revoke", () => {
    const shop = { "bom-ref": "shop", type: "application", name: "shop", purl: "pkg:npm/shop@1" };
    const inShop = { metadata: { component: shop }, components: [library] };
    const problem = (ref: string) => [
      {
        path: "vulnerabilities.0.affects.0",
        problem: `${JSON.stringify(ref)} cannot be matched to an image or a package; it changes nothing`,
      },
    ];
    const { purl: _, ...nameless } = shop;
    expect([
      productsOf("jackson", inShop),
      productsOf("shop", inShop),
      productsOf("jackson", inShop, "exploitable"),
      productsOf("jackson", { ...inShop, metadata: { component: nameless } }),
      productsOf("jackson", { ...inShop, metadata: { component: nameless } }, "in_triage"),
      productsOf("nowhere", inShop),
      productsOf("file", {
        components: [{ "bom-ref": "file", type: "file", hashes: [{ alg: "SHA-256", content: hex }] }],
      }),
      productsOf("urn:cdx:11111111-1111-1111-1111-111111111111/1#jackson", { components: [library] }),
    ]).toEqual([
      problem("jackson"),
      [{ package: "pkg:npm/shop@1" }],
      [{ package: "pkg:npm/shop@1" }, { package: jackson }],
      problem("jackson"),
      [{ package: jackson }],
      problem("nowhere"),
      problem("file"),
      problem("urn:cdx:11111111-1111-1111-1111-111111111111/1#jackson"),
    ]);
  });

  it("takes nothing out where only some versions are spoken of, yet lets them revoke", () => {
    const affects = [{ ref: jackson, versions: [{ version: "2.9.4", status: "unaffected" }] }];
    const both = ["not_affected", "exploitable"].map((state) => ({
      ...notAffected(jackson, { state }),
      affects,
    }));
    expect(parseCycloneDxVex(bom({ vulnerabilities: both }))).toEqual({
      ok: true,
      statements: [
        {
          vulnerability: "CVE-2018-7489",
          status: "affected",
          products: [{ package: jackson }],
          document: `urn:uuid:${serial}/1`,
        },
      ],
      unmatched: [
        {
          path: "vulnerabilities.0.affects.0",
          problem: `"${jackson}" cannot be matched to an image or a package; it changes nothing`,
        },
      ],
    });
  });

  it("refuses what it cannot read, all at once", () => {
    const wrong = {
      ...bom({ specVersion: "1.7", bomFormat: "SPDX" }),
      vulnerabilities: [
        { id: "", analysis: { state: "fine", stat: 1 }, affects: [{ ref: jackson, range: "*" }] },
      ],
    };
    const parsed = parseCycloneDxVex(wrong);
    expect(parsed.ok ? [] : parsed.problems).toEqual([
      { path: "bomFormat", problem: 'expected "CycloneDX", got "SPDX"' },
      { path: "specVersion", problem: 'expected "1.4" or "1.5" or "1.6", got "1.7"' },
      { path: "vulnerabilities.0.id", problem: 'expected text that is not empty, got ""' },
      {
        path: "vulnerabilities.0.analysis.state",
        problem:
          'expected "not_affected" or "false_positive" or "resolved" or "resolved_with_pedigree" or "exploitable" or "in_triage", got "fine"',
      },
      { path: "vulnerabilities.0.analysis.stat", problem: "no such field" },
      { path: "vulnerabilities.0.affects.0.range", problem: "no such field" },
    ]);
  });

  it("refuses a statement about nothing, without an id, and a bom-ref that stands twice", () => {
    const { id: _, affects: __, ...bare } = notAffected(jackson);
    expect(parseCycloneDxVex(bom({ components: [library, library], vulnerabilities: [bare] }))).toEqual({
      ok: false,
      problems: [
        { path: "vulnerabilities.0.id", problem: "expected the id of the vulnerability, got nothing" },
        { path: "vulnerabilities.0.affects", problem: "expected at least one product, got none" },
        {
          path: "components",
          problem: 'expected each bom-ref once, got more than one component for "jackson"',
        },
      ],
    });
  });
});
