import { describe, expect, it } from "vitest";
import type { Finding } from "./finding.ts";
import { parseImageReference } from "./image-reference.ts";
import type { VexProduct, VexStatement, VexStatus } from "./model.ts";
import type { ImageFacts } from "./scope.ts";
import { vexApplies, vexIndex } from "./vex.ts";

const digest = (fill: string) => `sha256:${fill.repeat(32)}`;

function imageOf(text: string, digests: Partial<ImageFacts> = {}): ImageFacts {
  const parsed = parseImageReference(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return { reference: parsed.reference, ...digests };
}

const image = imageOf("r.io/acme/app:1", { digest: digest("aa"), platformDigest: digest("bb") });
const finding: Finding = {
  id: "CVE-2026-1",
  aliases: ["GHSA-1"],
  severity: "high",
  package: {
    name: "openssl",
    version: "3.0.1-1",
    type: "deb",
    purl: "pkg:deb/debian/openssl@3.0.1-1?arch=amd64&distro=debian-12",
  },
};
const says = (products: readonly VexProduct[], rest: Partial<VexStatement> = {}): VexStatement => ({
  vulnerability: "CVE-2026-1",
  status: "not_affected",
  products,
  timestamp: "2026-01-01T00:00:00.000Z",
  document: "doc",
  ...rest,
});
const fits = (product: VexProduct, about: Partial<Finding> = {}, of: ImageFacts = image) =>
  vexApplies(says([product]), { finding: { ...finding, ...about }, image: of });

describe("vexApplies", () => {
  it("matches the vulnerability by id or alias, in any case", () => {
    const product = [{ digest: digest("aa") }];
    const by = (rest: Partial<VexStatement>) => vexApplies(says(product, rest), { finding, image });
    expect([
      by({}),
      by({ vulnerability: "cve-2026-1" }),
      by({ vulnerability: "ghsa-1" }),
      by({ vulnerability: "DSA-9", aliases: ["GHSA-1"] }),
      by({ vulnerability: "CVE-2026-12" }),
      by({ vulnerability: "DSA-9", aliases: ["CVE-2026-2"] }),
    ]).toEqual([true, true, true, true, false, false]);
  });

  it("matches images by the digest of the index or of the platform", () => {
    expect([
      fits({ digest: digest("aa") }),
      fits({ digest: digest("bb") }),
      fits({ digest: digest("cc") }),
    ]).toEqual([true, true, false]);
    const pinned = imageOf(`r.io/acme/app@${digest("cc")}`);
    expect([fits({ digest: digest("cc") }, {}, pinned), fits({ digest: digest("dd") }, {}, pinned)]).toEqual([
      true,
      undefined,
    ]);
    // The same image may have a digest of another algorithm.
    expect(fits({ digest: `sha512:${"a".repeat(128)}` })).toBe(undefined);
    expect(fits({ digest: digest("cc") }, {}, {})).toBe(undefined);
    // It may be the platform's manifest, as long as that is not known.
    expect(fits({ digest: digest("cc") }, {}, { digest: digest("aa") })).toBe(undefined);
  });

  it("matches images by repository and tag", () => {
    expect([
      fits({ repository: "r.io/acme/app" }),
      fits({ repository: "r.io/acme/app", tag: "1" }),
      fits({ repository: "r.io/acme/app", tag: "2" }),
      fits({ repository: "r.io/acme" }),
      fits({ repository: "docker.io/acme/app" }),
      fits({ repository: "r.io/acme/app", tag: "1" }, {}, imageOf(`r.io/acme/app@${digest("aa")}`)),
      fits({ repository: "r.io/acme/app" }, {}, {}),
    ]).toEqual([true, true, false, false, false, undefined, undefined]);
  });

  it("matches packages by type, namespace, name and version, never by qualifiers", () => {
    expect([
      fits({ package: "pkg:deb/debian/openssl@3.0.1-1" }),
      fits({ package: "pkg:deb/debian/openssl" }),
      fits({ package: "pkg:deb/debian/openssl?arch=arm64" }),
      fits({ package: "pkg:deb/debian/openssl@3.0.2" }),
      fits({ package: "pkg:deb/ubuntu/openssl" }),
      fits({ package: "pkg:deb/openssl" }),
      fits({ package: "pkg:rpm/debian/openssl" }),
      fits({ package: "pkg:deb/debian/libssl3" }),
      fits({ package: "not a purl" }),
    ]).toEqual([true, true, true, false, false, false, false, false, undefined]);
  });

  it("does not guess a package that the source does not name whole", () => {
    const bare = (type: string | undefined, name: string, version?: string): Partial<Finding> => ({
      package: { name, ...(type ? { type } : {}), ...(version ? { version } : {}) },
    });
    expect([
      fits({ package: "pkg:deb/debian/openssl" }, bare("deb", "openssl", "3")),
      fits({ package: "pkg:deb/debian/openssl" }, bare(undefined, "openssl")),
      fits({ package: "pkg:deb/debian/openssl" }, bare("deb", "zlib")),
      fits({ package: "pkg:deb/debian/openssl" }, bare("rpm", "openssl")),
      fits({ package: "pkg:npm/%40acme/app" }, bare("npm", "@acme/app")),
      fits({ package: "pkg:pypi/jinja2@3.1" }, bare("pypi", "Jinja2", "3.1")),
      fits({ package: "pkg:pypi/jinja2@3.1" }, bare("pypi", "Jinja2", "3.2")),
      fits({ package: "pkg:pypi/jinja2@3.1" }, bare("pypi", "Jinja2")),
      fits({ package: "pkg:pypi/jinja2" }, bare("pypi", "django")),
      fits(
        { package: "pkg:golang/acme.io/lib#sub" },
        { package: { name: "x", purl: "pkg:golang/acme.io/lib" } },
      ),
      vexApplies(says([{ package: "pkg:pypi/jinja2" }]), {
        finding: { id: "CVE-2026-1", severity: "low" },
        image,
      }),
    ]).toEqual([
      undefined,
      undefined,
      false,
      false,
      undefined,
      true,
      false,
      undefined,
      false,
      undefined,
      undefined,
    ]);
  });

  it("asks for image and package at once, and for one of the products", () => {
    const here = { repository: "r.io/acme/app", package: "pkg:deb/debian/openssl" };
    const there = { ...here, repository: "r.io/acme/other" };
    expect([fits(here), fits(there), vexApplies(says([there, here]), { finding, image })]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("is about nothing without products, or with a product that names nothing", () => {
    expect([vexApplies(says([]), { finding, image }), fits({})]).toEqual([false, false]);
  });
});

describe("vexIndex", () => {
  const here: VexProduct = { repository: "r.io/acme/app" };
  const at = (status: VexStatus, day: string | undefined, product: VexProduct = here): VexStatement => {
    const { timestamp: _, ...rest } = says([product], { status, document: `${status} ${day ?? "some day"}` });
    return day === undefined ? rest : { ...rest, timestamp: `2026-01-${day}T00:00:00.000Z` };
  };
  const by = (...statements: VexStatement[]) => vexIndex(statements)(finding, image)?.document;

  it("takes out what is not affected or fixed", () => {
    expect([by(at("not_affected", "01")), by(at("fixed", "01")), by()]).toEqual([
      "not_affected 01",
      "fixed 01",
      undefined,
    ]);
  });
  it("never takes out what is affected or under investigation", () => {
    expect([by(at("affected", "01")), by(at("under_investigation", "01"))]).toEqual([undefined, undefined]);
  });
  it("lets the latest statement win, whatever the order of documents", () => {
    const early = at("not_affected", "01");
    for (const later of [at("affected", "02"), at("under_investigation", "02")]) {
      expect([by(early, later), by(later, early)]).toEqual([undefined, undefined]);
      const last = at("fixed", "03");
      expect([by(early, later, last), by(last, later, early)]).toEqual(["fixed 03", "fixed 03"]);
    }
    expect(by(at("affected", "01"), at("not_affected", "02"))).toBe("not_affected 02");
  });
  it("lets a revocation win at the same moment, and where a moment is not known", () => {
    expect([
      by(at("not_affected", "01"), at("affected", "01")),
      by(at("not_affected", undefined), at("affected", "01")),
      by(at("not_affected", "01"), at("affected", undefined)),
      by(at("not_affected", undefined), at("affected", undefined)),
      by(at("not_affected", undefined)),
    ]).toEqual([undefined, undefined, undefined, undefined, "not_affected some day"]);
  });
  it("compares moments, not texts", () => {
    const early = { ...at("not_affected", "01"), timestamp: "2026-01-02T01:00:00+02:00" };
    expect(by(early, { ...at("affected", "01"), timestamp: "2026-01-01T23:30:00Z" })).toBe(undefined);
  });
  it("revokes where products overlap or might, never elsewhere", () => {
    const wide = at("not_affected", "01");
    const revoke = (product: VexProduct) => by(wide, at("affected", "02", product));
    expect([
      revoke({ package: "pkg:deb/debian/openssl@3.0.1-1" }),
      revoke({ digest: `sha512:${"a".repeat(128)}` }),
      revoke({ repository: "r.io/acme/other" }),
      revoke({ package: "pkg:deb/debian/zlib" }),
    ]).toEqual([undefined, undefined, "not_affected 01", "not_affected 01"]);
  });
  it("takes out only what fits for certain", () => {
    expect(by(at("not_affected", "01", { digest: `sha512:${"a".repeat(128)}` }))).toBe(undefined);
  });
});

describe("an advisory that stands for several CVEs", () => {
  const advisory: Finding = { ...finding, id: "ELSA-2026-1", aliases: ["CVE-2026-1", "CVE-2026-2"] };
  const products: VexProduct[] = [{ repository: "r.io/acme/app" }];

  it("is not taken out by a statement about one of them, but by one about all or about itself", () => {
    const outcome = (over: Partial<VexStatement>) =>
      vexIndex([says(products, over)])(advisory, image)?.document;
    expect([
      outcome({}),
      outcome({ aliases: ["CVE-2026-2"] }),
      outcome({ vulnerability: "ELSA-2026-1" }),
    ]).toEqual([undefined, "doc", "doc"]);
  });
});
