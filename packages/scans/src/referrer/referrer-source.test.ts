import { createHash } from "node:crypto";
import type { ScanReport, Trust } from "@gatehouse/policy";
import { beforeAll, describe, expect, test } from "vitest";
import { createRegistries } from "../registry/registries.ts";
import { fakeNetwork } from "../testing/fake-network.ts";
import { fakeRegistry, type FakeRegistryOptions, type Stored } from "../testing/fake-registry.ts";
import { answers, on, wrongBytes } from "../testing/misbehaviours.ts";
import { notationSigner, type NotationSigner } from "../testing/notation-signer.ts";
import { keylessSigner, keySigner } from "../testing/sigstore-signer.ts";
import { referrerSource } from "./referrer-source.ts";
import { loadTrust } from "./trust/load-trust.ts";

const host = "registry.example";
const now = (): number => Date.parse("2026-11-22T10:00:00Z");
const signal = new AbortController().signal;
const inToto = "application/vnd.in-toto+json";
const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
const notationType = "application/vnd.cncf.notary.signature";

/** A cosign vulnerability Statement: one finding for each id. */
function statement(subject: Stored, ids: readonly string[], scannedAt = "2026-11-22T08:00:00Z") {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: `${host}/app`, digest: { sha256: subject.digest.slice("sha256:".length) } }],
    predicateType: "https://in-toto.io/attestation/vulns/v0.2",
    predicate: {
      scanner: {
        uri: "pkg:github/example/scanner",
        version: "1",
        db: { lastUpdate: scannedAt },
        result: ids.map((id) => ({ id, severity: [{ method: "nvd", score: "HIGH" }] })),
      },
      metadata: { scanStartedOn: scannedAt, scanFinishedOn: scannedAt },
    },
  };
}

async function setUp(trust: Trust[], options: FakeRegistryOptions & { allowUnsigned?: boolean } = {}) {
  const registry = fakeRegistry(options);
  const image = registry.pushImage("app", { tag: "1" });
  const source = referrerSource({
    name: "attached",
    registries: [host],
    clients: createRegistries({
      connections: [{ registries: [host], credential: () => Promise.resolve(undefined) }],
      fetch: fakeNetwork({ [host]: registry.app }).fetch,
      now,
    }),
    trusted: await loadTrust(trust, (path) => Promise.resolve(path)),
    allowUnsigned: options.allowUnsigned === true,
    now,
  });
  const report = async (): Promise<ScanReport> =>
    await source.report({ registry: host, repository: "app", digest: image.digest }, signal);
  const summary = async () => {
    const { state, reason, trust, findings } = await report();
    return { state, ...(reason === undefined ? {} : { reason }), trust, ids: findings.map(({ id }) => id) };
  };
  return { registry, image, source, summary, report };
}

const absent = (reason: string) => ({ state: "absent", reason, trust: { kind: "source" }, ids: [] });
const counted = (trust: ScanReport["trust"], ids: string[]) => ({ state: "complete", trust, ids });

describe("nothing that counts", () => {
  test("nothing attached", async () => {
    const { summary } = await setUp([{ kind: "sigstore-key", publicKey: keySigner().publicKey }]);
    expect(await summary()).toEqual(absent("no scan report is attached to it"));
  });

  test("an unsigned report, unless unsigned ones are taken", async () => {
    const trust: Trust[] = [{ kind: "sigstore-key", publicKey: keySigner().publicKey }];
    for (const allowUnsigned of [false, true]) {
      const { registry, image, summary } = await setUp(trust, { allowUnsigned });
      registry.attach("app", image, {
        artifactType: inToto,
        content: JSON.stringify(statement(image, ["CVE-2026-1"])),
      });
      expect(await summary()).toEqual(
        allowUnsigned
          ? counted({ kind: "unsigned" }, ["CVE-2026-1"])
          : absent(
              "a report is attached, but none that counts: it has no signature of a kind that this source trusts",
            ),
      );
    }
  });

  test("an SBOM and provenance are no reports", async () => {
    const { registry, image, summary } = await setUp([], { allowUnsigned: true });
    registry.attach("app", image, { artifactType: "application/spdx+json", content: "{}" });
    const provenance = {
      ...statement(image, []),
      predicateType: "https://slsa.dev/provenance/v1",
      predicate: {},
    };
    registry.attach("app", image, { artifactType: inToto, content: JSON.stringify(provenance) });
    expect(await summary()).toEqual(absent("no scan report is attached to it"));
  });

  test("a Statement about another image", async () => {
    const { registry, image, summary } = await setUp([], { allowUnsigned: true });
    const other = registry.pushImage("app", { content: "other" });
    registry.attach("app", image, { artifactType: inToto, content: JSON.stringify(statement(other, [])) });
    expect(await summary()).toEqual(
      absent("a report is attached, but none that counts: its Statement is about another image"),
    );
  });

  test("a manifest whose subject is another image, listed by a registry that lies", async () => {
    const { registry, image, summary } = await setUp([], { allowUnsigned: true });
    const other = registry.pushImage("app", { content: "other" });
    registry.attach("app", other, { artifactType: "application/sarif+json", content: "{}" });
    registry.misbehave = async (request, next) =>
      request.url.includes("/referrers/")
        ? await registry.app.request(request.url.replace(image.digest, other.digest), {
            headers: request.headers,
          })
        : await next();
    const misbehave = registry.misbehave;
    registry.misbehave = async (request, next) =>
      request.url.includes(other.digest) ? await next() : await misbehave(request, next);
    expect(await summary()).toEqual(absent("no scan report is attached to it"));
  });
});

describe("a Sigstore bundle signed with a key", () => {
  test("counts when the key is the one named, and not otherwise", async () => {
    const [ours, theirs] = [keySigner(), keySigner()];
    const { registry, image, report } = await setUp([{ kind: "sigstore-key", publicKey: ours.publicKey }]);
    const attach = async (signer: typeof ours, ids: string[], at: string) =>
      registry.attach("app", image, {
        artifactType: bundleType,
        content: await signer.sign(statement(image, ids, at)),
      });
    await attach(theirs, [], "2026-11-22T09:00:00Z");
    expect([(await report()).state, (await report()).reason]).toEqual([
      "absent",
      "a report is attached, but none that counts: the signature does not verify: signature verification failed",
    ]);
    await attach(ours, ["CVE-2026-1"], "2026-11-22T07:00:00Z");
    await attach(ours, ["CVE-2026-2"], "2026-11-22T08:00:00Z");
    await attach(ours, ["CVE-2026-3"], "2026-11-22T06:00:00Z");
    const newest = await report();
    expect([newest.state, newest.trust, newest.findings.map(({ id }) => id)]).toEqual([
      "complete",
      { kind: "signed", identity: expect.stringMatching(/^key sha256:[0-9a-f]{64}$/) },
      ["CVE-2026-2"],
    ]);
  });

  test("about another image does not count, though the key is right", async () => {
    const signer = keySigner();
    const { registry, image, summary } = await setUp([{ kind: "sigstore-key", publicKey: signer.publicKey }]);
    const other = registry.pushImage("app", { content: "other" });
    registry.attach("app", image, {
      artifactType: bundleType,
      content: await signer.sign(statement(other, [])),
    });
    expect(await summary()).toEqual(
      absent("a report is attached, but none that counts: its Statement is about another image"),
    );
  });

  test("with a changed payload does not count", async () => {
    const signer = keySigner();
    const { registry, image, summary } = await setUp([{ kind: "sigstore-key", publicKey: signer.publicKey }]);
    const bundle = JSON.parse(await signer.sign(statement(image, ["CVE-2026-1"])));
    bundle.dsseEnvelope.payload = Buffer.from(JSON.stringify(statement(image, []))).toString("base64");
    registry.attach("app", image, { artifactType: bundleType, content: JSON.stringify(bundle) });
    expect(await summary()).toEqual(
      absent(
        "a report is attached, but none that counts: the signature does not verify: signature verification failed",
      ),
    );
  });

  test("a signed VEX document takes findings out, an unsigned one does not", async () => {
    const signer = keySigner();
    const { registry, image, report } = await setUp([{ kind: "sigstore-key", publicKey: signer.publicKey }], {
      allowUnsigned: true,
    });
    const vex = (id: string) => ({
      ...statement(image, []),
      predicateType: "https://openvex.dev/ns/v0.2.0",
      predicate: {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": `https://example.com/vex/${id}`,
        author: "Example",
        timestamp: "2026-11-22T08:30:00Z",
        version: 1,
        statements: [
          {
            vulnerability: { name: id },
            status: "not_affected",
            justification: "vulnerable_code_not_present",
          },
        ],
      },
    });
    registry.attach("app", image, {
      artifactType: bundleType,
      content: await signer.sign(statement(image, ["CVE-2026-1", "CVE-2026-2"])),
    });
    registry.attach("app", image, { artifactType: inToto, content: JSON.stringify(vex("CVE-2026-1")) });
    registry.attach("app", image, {
      artifactType: bundleType,
      content: await signer.sign(vex("CVE-2026-2")),
    });
    const { findings, ruledOut } = await report();
    expect(findings.map(({ id }) => id)).toEqual(["CVE-2026-1"]);
    expect(ruledOut).toEqual([
      { id: "CVE-2026-2", reason: "VEX https://example.com/vex/CVE-2026-2: not_affected" },
    ]);
  });
});

describe("a Sigstore bundle signed keyless", () => {
  const identity = "https://github.com/example/scan/.github/workflows/scan.yaml@refs/heads/main";
  const issuer = "https://token.actions.githubusercontent.com";

  test.each([
    ["the identity named", identity, issuer, true],
    ["an identity that ours is a prefix of", identity.slice(0, -1), issuer, false],
    ["an expression that fits ours", ".*", issuer, false],
    ["another issuer", identity, "https://evil.example", false],
  ])("by %s", async (_name, wantedIdentity, wantedIssuer, counts) => {
    const signer = await keylessSigner({ identity, issuer });
    const { registry, image, summary } = await setUp([
      {
        kind: "sigstore-keyless",
        issuer: wantedIssuer,
        identity: wantedIdentity,
        trustedRootFile: signer.trustedRoot,
      },
    ]);
    registry.attach("app", image, {
      artifactType: bundleType,
      content: await signer.sign(statement(image, ["CVE-2026-1"])),
    });
    expect(await summary()).toEqual(
      counts
        ? counted({ kind: "signed", identity: `${identity} (${issuer})` }, ["CVE-2026-1"])
        : absent(`a report is attached, but none that counts: ${identity} (${issuer}) is not who must sign`),
    );
  });

  test("by another authority, without a log entry, or with a key", async () => {
    const [ours, theirs] = [
      await keylessSigner({ identity, issuer }),
      await keylessSigner({ identity, issuer }),
    ];
    const trust: Trust[] = [
      { kind: "sigstore-keyless", issuer, identity, trustedRootFile: ours.trustedRoot },
    ];
    const make = [
      async (about: Stored) => await theirs.sign(statement(about, [])),
      async (about: Stored) => {
        const bundle = JSON.parse(await ours.sign(statement(about, [])));
        bundle.verificationMaterial.tlogEntries = [];
        return JSON.stringify(bundle);
      },
      async (about: Stored) => await keySigner().sign(statement(about, [])),
    ];
    for (const sign of make) {
      const { registry, image, summary } = await setUp(trust);
      registry.attach("app", image, { artifactType: bundleType, content: await sign(image) });
      expect((await summary()).state).toBe("absent");
    }
  });
});

describe("a Notation signature", () => {
  let signer: NotationSigner;
  beforeAll(async () => {
    signer = await notationSigner();
  });
  const trusting = (roots: string, subject = "CN=Scanner, O=Example"): Trust[] => [
    { kind: "notation", roots, subject },
  ];
  const signed = { kind: "signed", identity: "C=DE, O=Example, CN=Scanner" } as const;

  async function attachSigned(
    trust: Trust[],
    sign: (report: Stored, image: Stored) => Promise<string>,
    options: FakeRegistryOptions & { mediaType?: string } = {},
  ) {
    const made = await setUp(trust, options);
    const { registry, image } = made;
    const report = registry.attach("app", image, {
      artifactType: inToto,
      content: JSON.stringify(statement(image, ["CVE-2026-1"])),
    });
    registry.attach("app", report, {
      artifactType: notationType,
      mediaType: options.mediaType ?? "application/jose+json",
      content: await sign(report, image),
    });
    return await made.summary();
  }

  test.each(["api", "tag"] as const)(
    "of a named identity makes a report count, found by %s",
    async (referrers) => {
      expect(
        await attachSigned(trusting(signer.root), (report) => signer.sign(report), { referrers }),
      ).toEqual({
        ...counted(signed, ["CVE-2026-1"]),
        trust: { kind: "signed", identity: expect.stringContaining("CN=Scanner") },
      });
    },
  );

  test("hidden among many others leaves the report unread: an older one does not take its place", async () => {
    const { registry, image, summary } = await setUp(trusting(signer.root));
    const attach = async (ids: string[], scannedAt: string, others: number) => {
      const content = JSON.stringify(statement(image, ids, scannedAt));
      const report = registry.attach("app", image, { artifactType: inToto, content });
      for (let index = 0; index < others; index++)
        registry.attach("app", report, {
          artifactType: notationType,
          mediaType: "application/jose+json",
          content: JSON.stringify({ index }),
        });
      registry.attach("app", report, {
        artifactType: notationType,
        mediaType: "application/jose+json",
        content: await signer.sign(report),
      });
    };
    await attach([], "2026-11-20T08:00:00Z", 0);
    await attach(["CVE-2026-1"], "2026-11-22T08:00:00Z", 40);
    const { state, reason, ids } = await summary();
    expect({ state, reason, ids }).toEqual({
      state: "partial",
      reason: "more signatures are attached to a report than are read",
      ids: [],
    });
  });

  const bad: [
    string,
    RegExp,
    (report: Stored, image: Stored) => Promise<string>,
    (() => Promise<Trust[]>)?,
  ][] = [
    ["of the image instead of the report", /of another artifact/, (_report, image) => signer.sign(image)],
    [
      "with another size",
      /of another artifact/,
      (report) => signer.sign({ ...report, size: report.size + 1 }),
    ],
    [
      "that has expired",
      /expired on 2026-11-21T00:00:00.000Z/,
      (report) =>
        signer.sign(report, {
          crit: ["io.cncf.notary.signingScheme", "io.cncf.notary.expiry"],
          "io.cncf.notary.expiry": "2026-11-21T00:00:00Z",
        }),
    ],
    [
      "with a critical header that is not known",
      /does not verify/,
      (report) =>
        signer.sign(report, { crit: ["io.cncf.notary.signingScheme", "x.unknown"], "x.unknown": 1 }),
    ],
    [
      "that asks for a plugin",
      /does not verify/,
      (report) =>
        signer.sign(report, {
          crit: ["io.cncf.notary.signingScheme", "io.cncf.notary.verificationPlugin"],
          "io.cncf.notary.verificationPlugin": "p",
        }),
    ],
    [
      "of another scheme",
      /is not supported; notary.x509 is/,
      (report) => signer.sign(report, { "io.cncf.notary.signingScheme": "notary.x509.signingAuthority" }),
    ],
    [
      "of another payload",
      /the signature is of "text\/plain"/,
      (report) => signer.sign(report, { cty: "text/plain" }),
    ],
    [
      "without a signing time",
      /no signing time/,
      (report) => signer.sign(report, { "io.cncf.notary.signingTime": undefined }),
    ],
    [
      "of a root that is not configured",
      /ends in no configured root/,
      async (report) => await (await notationSigner()).sign(report),
    ],
    [
      "of another subject",
      /is not who must sign/,
      (report) => signer.sign(report),
      () => Promise.resolve(trusting(signer.root, "CN=Scanner2")),
    ],
    [
      "that is changed",
      /does not verify/,
      async (report) => {
        const jws = JSON.parse(await signer.sign(report));
        jws.payload = Buffer.from(JSON.stringify({ targetArtifact: report })).toString("base64url") + "AA";
        return JSON.stringify(jws);
      },
    ],
    ["that is none", /no JWS with certificates/, () => Promise.resolve("hello")],
  ];
  test.each(bad)("%s does not count", async (_name, reason, sign, trust) => {
    const found = await attachSigned((await trust?.()) ?? trusting(signer.root), sign);
    expect(found).toEqual({ ...absent(""), reason: expect.stringMatching(reason) });
  });

  test.each([
    ["expired", { notAfter: new Date("2026-11-01T00:00:00Z") }, /is valid from/],
    ["not yet valid", { notBefore: new Date("2026-12-01T00:00:00Z") }, /is valid from/],
    ["for servers", { purpose: "server" }, /not for code signing/],
    ["of an authority", { leafIsAuthority: true }, /may not sign reports itself/],
    ["issued by no authority", { issuerIsNone: true }, /is no authority|ends in no configured root/],
  ] as const)("with a certificate that is %s does not count", async (_name, options, reason) => {
    const other = await notationSigner(options);
    const found = await attachSigned(trusting(other.root), (report) => other.sign(report));
    expect(found).toEqual({ ...absent(""), reason: expect.stringMatching(reason) });
  });

  test("in COSE form says that it is not supported", async () => {
    const found = await attachSigned(trusting(signer.root), () => Promise.resolve("x"), {
      mediaType: "application/cose",
    });
    expect(found.reason).toMatch(/COSE form, which is not supported/);
  });
});

describe("a report attached to the index", () => {
  const trivy = (architecture: string, scannedAt: string, ids: readonly string[]) =>
    JSON.stringify({
      SchemaVersion: 2,
      CreatedAt: scannedAt,
      ArtifactName: "app",
      ArtifactType: "container_image",
      Metadata: { OS: { Family: "debian", Name: "13" }, ImageConfig: { os: "linux", architecture } },
      Results: [
        {
          Target: "app (debian 13)",
          Class: "os-pkgs",
          Type: "debian",
          Vulnerabilities: ids.map((id) => ({
            VulnerabilityID: id,
            PkgName: "openssl",
            InstalledVersion: "3.0",
            Severity: "HIGH",
          })),
        },
      ],
    });
  const artifactType = "application/vnd.aquasec.trivy.report+json";

  test.each([
    ["of this platform", "amd64", "complete", ["CVE-2026-7"]],
    ["of another", "arm64", "absent", []],
  ] as const)("%s", async (_name, architecture, state, ids) => {
    const { registry, image, source } = await setUp([], { allowUnsigned: true });
    const index = registry.pushIndex("app", [{ ...image, platform: "linux/amd64" }]);
    const content = trivy(architecture, "2026-11-22T08:00:00Z", ["CVE-2026-7"]);
    registry.attach("app", index, { artifactType, content });
    const child = { registry: host, repository: "app", digest: image.digest, indexDigest: index.digest };
    const report = await source.report({ ...child, platform: "linux/amd64" }, signal);
    expect([report.state, report.findings.map(({ id }) => id)]).toEqual([state, ids]);
  });

  test("in which several images are for the platform says nothing of any of them", async () => {
    const { registry, image, source } = await setUp([], { allowUnsigned: true });
    const index = registry.pushIndex("app", [{ ...image, platform: "linux/amd64" }]);
    registry.attach("app", index, { artifactType, content: trivy("amd64", "2026-11-22T08:00:00Z", []) });
    const child = { registry: host, repository: "app", digest: image.digest, indexDigest: index.digest };
    const report = await source.report({ ...child, platform: "linux/amd64", ambiguous: true }, signal);
    expect(report).toEqual({
      state: "absent",
      reason:
        "a report is attached, but none that counts: it is about an index in which several images are for one platform",
      source: "attached",
      trust: { kind: "source" },
      findings: [],
    });
  });

  test("counts against the child's own by its time, and needs a platform", async () => {
    const { registry, image, source } = await setUp([], { allowUnsigned: true });
    const index = registry.pushIndex("app", [{ ...image, platform: "linux/amd64" }]);
    const identity = {
      registry: host,
      repository: "app",
      digest: image.digest,
      indexDigest: index.digest,
      platform: "linux/amd64",
    };
    const ids = async (): Promise<string[]> =>
      (await source.report(identity, signal)).findings.map(({ id }) => id);
    registry.attach("app", image, {
      artifactType,
      content: trivy("amd64", "2026-11-20T08:00:00Z", ["CVE-1"]),
    });
    registry.attach("app", index, {
      artifactType: inToto,
      content: JSON.stringify(statement(index, ["CVE-2"], "2026-11-22T09:00:00Z")),
    });
    expect(await ids()).toEqual(["CVE-1"]);
    registry.attach("app", index, {
      artifactType,
      content: trivy("amd64", "2026-11-21T08:00:00Z", ["CVE-3"]),
    });
    expect(await ids()).toEqual(["CVE-3"]);
  });
});

describe("a registry that does not answer all", () => {
  test.each([
    ["the list", /referrers/, answers(500), "unavailable"],
    ["the list, denied", /referrers/, answers(403), "unavailable"],
    ["a blob that is another", /blobs/, wrongBytes, "unavailable"],
    ["a manifest that is another", /manifests\/sha256/, wrongBytes, "unavailable"],
  ])("%s: %s", async (_name, path, misbehaviour, state) => {
    const { registry, image, summary } = await setUp([], { allowUnsigned: true });
    registry.attach("app", image, { artifactType: inToto, content: JSON.stringify(statement(image, [])) });
    registry.misbehave = on(path, misbehaviour);
    expect((await summary()).state).toBe(state);
  });

  test("a manifest that was removed is nothing; one whose document is lost may be the newest report", async () => {
    const { registry, image, summary } = await setUp([], { allowUnsigned: true });
    const older = JSON.stringify(statement(image, ["CVE-1"], "2026-11-20T08:00:00Z"));
    registry.attach("app", image, { artifactType: inToto, content: older });
    const newer = JSON.stringify(statement(image, ["CVE-2"]));
    const { digest } = registry.attach("app", image, { artifactType: inToto, content: newer });
    registry.misbehave = on(new RegExp(`manifests/${digest}`), answers(404));
    expect(await summary()).toEqual(counted({ kind: "unsigned" }, ["CVE-1"]));

    const blob = `sha256:${createHash("sha256").update(newer).digest("hex")}`;
    registry.misbehave = on(new RegExp(`blobs/${blob}`), answers(404));
    expect(await summary()).toEqual({
      ...counted({ kind: "unsigned" }, ["CVE-1"]),
      state: "partial",
      reason: expect.stringMatching(/^what is attached is not whole: /) as string,
    });
  });

  test("more bytes attached than are read makes the newest that was read partial", async () => {
    const { registry, image, summary } = await setUp([], { allowUnsigned: true });
    registry.attach("app", image, { artifactType: inToto, content: JSON.stringify(statement(image, [])) });
    registry.attach("app", image, { artifactType: inToto, content: " ".repeat(33 * 1024 * 1024) });
    expect(await summary()).toEqual({
      state: "partial",
      reason: expect.stringMatching(/has 34603008 bytes, more than the 33554432 that are read$/),
      trust: { kind: "unsigned" },
      ids: [],
    });
  });

  test.each([
    ["nobody signed is not parsed, and hides nothing", inToto, false, "complete"],
    ["nobody signed may be the newest where unsigned ones are taken", inToto, true, "partial"],
    ["is a bundle may be the newest", bundleType, false, "partial"],
  ])("a document of millions of values that %s", async (_name, artifactType, allowUnsigned, state) => {
    const signer = keySigner();
    const { registry, image, summary } = await setUp(
      [{ kind: "sigstore-key", publicKey: signer.publicKey }],
      { allowUnsigned },
    );
    registry.attach("app", image, {
      artifactType: bundleType,
      content: await signer.sign(statement(image, ["CVE-2026-1"])),
    });
    registry.attach("app", image, { artifactType, content: `[${"[],".repeat(1_000_000)}[]]` });
    const reason = "an attached document has more than the 1000000 values that are read";
    expect(await summary()).toEqual({
      ...counted({ kind: "signed", identity: expect.stringMatching(/^key sha256:/) as string }, [
        "CVE-2026-1",
      ]),
      ...(state === "complete" ? {} : { state, reason }),
    });
  });

  test("more attached than is read makes the newest that was read partial", async () => {
    const { registry, image, summary } = await setUp([], { allowUnsigned: true });
    for (let n = 0; n < 70; n++)
      registry.attach("app", image, {
        artifactType: inToto,
        content: JSON.stringify(statement(image, [], new Date(now() - n * 1000).toISOString())),
      });
    expect(await summary()).toEqual({
      state: "partial",
      reason: "more is attached to it than is read",
      trust: { kind: "unsigned" },
      ids: [],
    });
  });
});
