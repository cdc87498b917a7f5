import { describe, expect, it } from "vitest";
import { parseOpenVex } from "./open-vex.ts";

const hex = "ab".repeat(32);
const digest = `sha256:${hex}`;
const oci = (rest: string) => `pkg:oci/app${rest}`;

const vexDocument = (statements: readonly unknown[], rest: object = {}) => ({
  "@context": "https://openvex.dev/ns/v0.2.0",
  "@id": "https://example.com/vex/1",
  author: "Acme Security",
  timestamp: "2026-01-08T18:02:03.647787998-06:00",
  version: 1,
  statements,
  ...rest,
});
const notAffected = (products: unknown, rest: object = {}) => ({
  vulnerability: { name: "CVE-2026-1" },
  products,
  status: "not_affected",
  justification: "component_not_present",
  ...rest,
});
const expected = (products: unknown, rest: object = {}) => ({
  vulnerability: "CVE-2026-1",
  status: "not_affected",
  products,
  justification: "component_not_present",
  timestamp: "2026-01-09T00:02:03.647Z",
  document: "https://example.com/vex/1",
  ...rest,
});
/** The products that a document's only statement comes to. */
const productsOf = (product: unknown, rest: object = {}) => {
  const parsed = parseOpenVex(vexDocument([notAffected([product], rest)]));
  return parsed.ok
    ? (parsed.statements[0]?.products ?? parsed.unmatched.map((one) => one.path))
    : parsed.problems;
};

describe("parseOpenVex", () => {
  it("reads a statement, with the document's moment in UTC", () => {
    expect(
      parseOpenVex(vexDocument([notAffected([{ "@id": "pkg:apk/wolfi/git@2.39.0-r1?arch=armv7" }])])),
    ).toEqual({
      ok: true,
      statements: [expected([{ package: "pkg:apk/wolfi/git@2.39.0-r1" }])],
      unmatched: [],
    });
  });

  it("keeps every status, aliases, the statement's own moment, and the reason of what takes out", () => {
    const products = [{ "@id": "pkg:npm/left-pad@1.0.0" }];
    const vulnerability = {
      "@id": "https://example.com",
      name: "CVE-2026-1",
      description: "d",
      aliases: ["GHSA-1"],
    };
    const base = {
      vulnerability,
      products,
      timestamp: "2026-02-01T00:00:00Z",
      last_updated: "2026-03-01T00:00:00Z",
    };
    const statements = [
      { ...base, status: "not_affected", impact_statement: " Patched out " },
      { ...base, status: "fixed" },
      { ...base, status: "affected", action_statement: "Update" },
      { ...base, status: "under_investigation", justification: "component_not_present" },
    ];
    const read = {
      vulnerability: "CVE-2026-1",
      aliases: ["GHSA-1"],
      products: [{ package: "pkg:npm/left-pad@1.0.0" }],
      timestamp: "2026-02-01T00:00:00.000Z",
      document: "https://example.com/vex/1",
    };
    expect(parseOpenVex(vexDocument(statements))).toEqual({
      ok: true,
      statements: [
        { ...read, status: "not_affected", justification: "Patched out" },
        { ...read, status: "fixed" },
        { ...read, status: "affected" },
        { ...read, status: "under_investigation" },
      ],
      unmatched: [],
    });
  });

  it("reads images by digest, by repository and tag, by hash", () => {
    expect([
      productsOf({ "@id": oci(`@sha256%3A${hex}?repository_url=ghcr.io/acme/app&arch=amd64`) }),
      productsOf({ "@id": oci(`@${digest}`) }),
      productsOf({ identifiers: { purl: `pkg:docker/acme/app@${digest}` } }),
      productsOf({ "@id": oci("?repository_url=ghcr.io%2Facme%2Fapp") }),
      productsOf({ "@id": oci("?repository_url=index.docker.io/acme/app&tag=1.2") }),
      productsOf({ "@id": "pkg:oci/nginx?repository_url=https://docker.io/nginx/" }),
      productsOf({ "@id": "https://example.com/image", hashes: { "sha-256": hex.toUpperCase(), md5: "1" } }),
    ]).toEqual([
      [{ digest }],
      [{ digest }],
      [{ digest }],
      [{ repository: "ghcr.io/acme/app" }],
      [{ repository: "docker.io/acme/app", tag: "1.2" }],
      [{ repository: "docker.io/library/nginx" }],
      [{ digest }],
    ]);
  });

  it("reads the hash of a package as that of a file, which says nothing of images", () => {
    expect(productsOf({ "@id": "pkg:npm/app@1", hashes: { "sha-256": hex } })).toEqual([
      { package: "pkg:npm/app@1" },
    ]);
  });

  it("narrows an image to its subcomponents", () => {
    const image = { "@id": oci(`@${digest}`), hashes: { "sha-256": hex } };
    const subcomponents = [
      { "@id": "pkg:deb/debian/openssl@3" },
      { identifiers: { purl: "pkg:golang/acme.io/x" } },
    ];
    expect([
      productsOf({ ...image, subcomponents }),
      productsOf({ ...image, subcomponents: [] }),
      // What is not understood never widens.
      productsOf({
        ...image,
        subcomponents: [{ identifiers: { cpe23: "cpe:2.3:a:b:c" } }, ...subcomponents.slice(1)],
      }),
      productsOf({ ...image, subcomponents: [{ "@id": "urn:something" }] }),
      productsOf({ "@id": "pkg:npm/app", subcomponents }),
      productsOf({ ...image, identifiers: { purl: "pkg:npm/app" }, subcomponents }),
    ]).toEqual([
      [
        { digest, package: "pkg:deb/debian/openssl@3" },
        { digest, package: "pkg:golang/acme.io/x" },
      ],
      [{ digest }],
      [{ digest, package: "pkg:golang/acme.io/x" }],
      ["statements.0.products.0"],
      ["statements.0.products.0"],
      ["statements.0.products.0"],
    ]);
  });

  it("widens what revokes instead", () => {
    const revoke = { status: "affected", action_statement: "Update" };
    const image = { "@id": oci(`@${digest}`) };
    const openssl = { "@id": "pkg:deb/debian/openssl@3" };
    expect([
      productsOf({ ...image, subcomponents: [openssl] }, revoke),
      productsOf({ ...image, subcomponents: [openssl, { "@id": "urn:x" }] }, revoke),
      productsOf({ "@id": "pkg:npm/app", subcomponents: [openssl] }, revoke),
      productsOf({ ...image, identifiers: { purl: "pkg:npm/app" } }, revoke),
    ]).toEqual([
      [{ digest, package: "pkg:deb/debian/openssl@3" }],
      [{ digest }],
      [{ package: "pkg:npm/app" }, { package: "pkg:deb/debian/openssl@3" }],
      [{ digest }, { package: "pkg:npm/app" }],
    ]);
    // Named as an image and as a package at once: to take a finding out both must fit.
    expect(productsOf({ ...image, identifiers: { purl: "pkg:npm/app" } })).toEqual([
      { digest, package: "pkg:npm/app" },
    ]);
  });

  it("lists products that cannot be matched, and lets them change nothing", () => {
    const products = [
      { identifiers: { cpe23: "cpe:2.3:a:apache:log4j:2.4:-:*:*:*:*:*:*" } },
      { "@id": oci("@1.2.3") },
      { "@id": oci("@sha256:short") },
      { "@id": oci("") },
      { "@id": oci("?repository_url=ghcr.io/acme") },
      { "@id": oci("?repository_url=ghcr.io/acme/app&arch=arm64") },
      { "@id": oci("?repository_url=ghcr.io/acme/app:1") },
      { "@id": "pkg:docker/acme/app@1" },
      { "@id": "https://example.com/app" },
      { "@id": "pkg:" },
      {},
    ];
    const problem =
      "names no image by digest or repository and no package by purl, as far as can be matched; it changes nothing";
    expect(parseOpenVex(vexDocument([notAffected(products)]))).toEqual({
      ok: true,
      statements: [],
      unmatched: products.map((_, index) => ({ path: `statements.0.products.${index}`, problem })),
    });
  });

  it("gives a statement without products those of its attestation", () => {
    const { products: _, ...bare } = notAffected([]);
    expect(parseOpenVex(vexDocument([bare]), [digest])).toEqual({
      ok: true,
      statements: [expected([{ digest }])],
      unmatched: [],
    });
    expect(parseOpenVex(vexDocument([notAffected([{ "@id": "pkg:npm/a" }])]), [digest])).toEqual({
      ok: true,
      statements: [expected([{ package: "pkg:npm/a" }])],
      unmatched: [],
    });
  });

  it("refuses what the specification calls incomplete, all at once", () => {
    const { justification: _, ...bare } = notAffected([{ "@id": "pkg:npm/a" }]);
    const { products: __, ...aboutNothing } = notAffected([]);
    const statements = [bare, { ...bare, impact_statement: "  " }, aboutNothing, notAffected([])];
    const reason =
      "expected a justification or an impact_statement, which not_affected must have, got neither";
    expect(parseOpenVex(vexDocument(statements))).toEqual({
      ok: false,
      problems: [
        { path: "statements.0", problem: reason },
        { path: "statements.1", problem: reason },
        { path: "statements.2.products", problem: "expected at least one product, got none" },
        { path: "statements.3.products", problem: "expected at least one product, got none" },
      ],
    });
  });

  it("refuses another version, misspelt fields and wrong values, all at once", () => {
    const statements = [
      notAffected([{ "@id": "pkg:oci/a", subcomponent: [] }], { status: "safe", justification: "trust_me" }),
      notAffected([], { timestamp: "yesterday", vulnerability: {} }),
    ];
    const input = vexDocument(statements, {
      "@context": "https://openvex.dev/ns",
      version: "1",
      author: undefined,
    });
    const parsed = parseOpenVex(input);
    expect(parsed.ok ? [] : parsed.problems).toEqual([
      {
        path: "@context",
        problem: 'expected OpenVEX 0.2, "https://openvex.dev/ns/v0.2.0", got "https://openvex.dev/ns"',
      },
      { path: "author", problem: "expected string, got nothing" },
      { path: "version", problem: 'expected number, got "1"' },
      { path: "statements.0.products.0.subcomponent", problem: "no such field" },
      {
        path: "statements.0.status",
        problem: 'expected "not_affected" or "fixed" or "affected" or "under_investigation", got "safe"',
      },
      {
        path: "statements.0.justification",
        problem:
          'expected "component_not_present" or "vulnerable_code_not_present" or "vulnerable_code_not_in_execute_path" or "vulnerable_code_cannot_be_controlled_by_adversary" or "inline_mitigations_already_exist", got "trust_me"',
      },
      { path: "statements.1.vulnerability.name", problem: "expected string, got nothing" },
      {
        path: "statements.1.timestamp",
        problem: 'expected a moment such as 2026-11-22T10:00:00Z, got "yesterday"',
      },
    ]);
  });
});
