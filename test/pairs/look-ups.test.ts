/**
 * The whole way of each pair: what the components put out is the configuration of a look-up, whose token of that cluster
 * is exchanged, opens the registry and brings a scan; and no other token does.
 */
import type { ImageScan, SourceConfig } from "@gatehouse/policy";
import { createLookUp } from "@gatehouse/scans";
import { clouds, fakeNetwork } from "@gatehouse/scans/testing";
import { notationSigner } from "@gatehouse/scans/testing/notation-signer";
import type { Hono } from "hono";
import { expect, test } from "vitest";
import { answers } from "./answers.ts";
import { build, pairs, type Built } from "./pairs.ts";
import { trustedOf } from "./trusted.ts";

const { createWorld, fakeAws, fakeAzure, fakeGoogle } = clouds;
const at = "2026-11-22T09:00:00Z";
const cve = "CVE-2026-0001";

/** The cloud of a pair's registry, with one image in it that has one finding. */
interface Cloud {
  readonly hosts: Record<string, Hono>;
  readonly reference: string;
  /** Content of files beside the token's. */
  readonly files?: Readonly<Record<string, string>>;
  /** Takes back what the cloud has given out so far. */
  readonly expire: () => void;
}

async function cloudOf(built: Built, world: ReturnType<typeof createWorld>): Promise<Cloud> {
  const trusted = trustedOf(built);
  const { source } = built;
  if (source.type === "ecr") {
    const { credentials } = source;
    const role = credentials.kind === "aws" ? { roleArn: credentials.roleArn } : {};
    const fake = fakeAws({ ...world, trusted, ...role });
    const { digest } = fake.registry.pushImage("shop/app", { tag: "1" });
    const findings = [{ name: cve, severity: "HIGH" }];
    const completedAt = Date.parse(at) / 1000;
    fake.scans.set(`shop/app@${digest}`, { status: "COMPLETE", completedAt, findings });
    return {
      hosts: fake.hosts,
      reference: `${clouds.awsRegistry}/shop/app:1`,
      expire() {
        fake.expireKeys();
        fake.passwords.length = 0;
      },
    };
  }
  if (source.type === "artifact-registry") {
    const fake = fakeGoogle({ ...world, trusted });
    const repository = `${clouds.googleProject}/shop/app`;
    const { digest } = fake.registry.pushImage(repository, { tag: "1" });
    const discovery = {
      analysisStatus: "FINISHED_SUCCESS",
      continuousAnalysis: "ACTIVE",
      lastScanTime: at,
    };
    fake.occurrences.set(`https://${clouds.googleRegistry}/${repository}@${digest}`, [
      { kind: "DISCOVERY", discovery },
      {
        kind: "VULNERABILITY",
        noteName: `projects/goog-vulnz/notes/${cve}`,
        vulnerability: { severity: "HIGH" },
      },
    ]);
    const reference = `${clouds.googleRegistry}/${repository}:1`;
    return { hosts: fake.hosts, reference, expire: () => fake.expireTokens() };
  }
  const fake = fakeAzure({ ...world, trusted });
  const signer = await notationSigner({ subject: "CN=D" });
  const image = fake.registry.pushImage("shop/app", { tag: "1" });
  const report = fake.registry.attach("shop/app", image, {
    artifactType: "application/vnd.in-toto+json",
    content: JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "app", digest: { sha256: image.digest.slice("sha256:".length) } }],
      predicateType: "https://in-toto.io/attestation/vulns/v0.2",
      predicate: {
        scanner: { uri: "MDVM", result: [{ id: cve, severity: [{ method: "nvd", score: "HIGH" }] }] },
        metadata: { scanStartedOn: at, scanFinishedOn: at },
      },
    }),
    annotations: { scanner: "MDVM" },
  });
  fake.registry.attach("shop/app", report, {
    artifactType: "application/vnd.cncf.notary.signature",
    mediaType: "application/jose+json",
    content: await signer.sign(report),
  });
  return {
    hosts: fake.hosts,
    reference: `${clouds.azureRegistry}/shop/app:1`,
    files: { "/gatehouse/files/d/root.pem": signer.root },
    expire: () => fake.expireTokens(),
  };
}

const summary = ({ platforms }: ImageScan): unknown[] =>
  platforms.map(({ report }) => [report.state, report.findings.map(({ id }) => id)]);

function tokenFileOf(source: SourceConfig): string {
  if (source.type === "file" || source.credentials === undefined || !("tokenFile" in source.credentials))
    throw new Error("the source names no token");
  return source.credentials.tokenFile;
}

test.each(pairs)("$cluster reads $registry by its own tokens and by no others", async (pair) => {
  const built = await build(pair, answers);
  const world = createWorld();
  const { hosts, reference, files = {}, expire } = await cloudOf(built, world);
  const { issuer, source, tokenAudiences } = built;
  const [audience = ""] = Object.values(tokenAudiences);
  let claims: Parameters<typeof world.cluster.token>[0] = { audience, issuer };
  const tokenFile = tokenFileOf(source);
  // A look-up that holds nothing yet, for each token anew.
  const look = async (): Promise<unknown> => {
    const service = await createLookUp({
      sources: [source],
      now: world.now,
      clock: world.now,
      fetch: fakeNetwork(hosts).fetch,
      readFile: (path) =>
        path === tokenFile
          ? Promise.resolve(world.cluster.token(claims))
          : Promise.resolve(files[path] ?? Promise.reject(new Error(`no ${path}`))),
    });
    try {
      return summary(await service.lookUp(reference, { platforms: [], signal: AbortSignal.timeout(5_000) }));
    } finally {
      await service.close();
    }
  };
  const found = [["complete", [cve]]];
  const nothing = [["unavailable", []]];

  expect(await look()).toEqual(found);
  claims = { ...claims, subject: "system:serviceaccount:gatehouse:gatehouse-observer" };
  expect(await look()).toEqual(found);
  expire();
  expect(await look()).toEqual(found);

  for (const wrong of [
    { subject: "system:serviceaccount:other:gatehouse" },
    { audience: "https://kubernetes.default.svc" },
    { issuer: "https://oidc.example/other" },
    { lifeMs: -1000 },
  ]) {
    claims = { audience, issuer, ...wrong };
    expect([wrong, await look()]).toEqual([wrong, nothing]);
  }
});
