import type { ImageScan, SourceConfig } from "@gatehouse/policy";
import type { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { createLookUp, type LookUpOptions } from "./create-look-up.ts";
import {
  audiences,
  awsRegistry,
  azureRegistry,
  createWorld,
  credentialsFor,
  fakeAws,
  fakeAzure,
  fakeGoogle,
  googleProject,
  googleRegistry,
} from "./testing/clouds/index.ts";
import { fakeNetwork } from "./testing/fake-network.ts";
import type { Stored } from "./testing/fake-registry.ts";
import { keySigner } from "./testing/sigstore-signer.ts";

const signal = new AbortController().signal;
const at = "2026-11-22T09:00:00Z";

type Summary = [state: string, ids: string[]];
const summary = ({ platforms }: ImageScan): Summary[] =>
  platforms.map(({ report }) => [report.state, report.findings.map(({ id }) => id)]);

function start(
  sources: readonly SourceConfig[],
  world: ReturnType<typeof createWorld>,
  hosts: Record<string, Hono>,
  more: Partial<LookUpOptions> = {},
) {
  const network = fakeNetwork(hosts);
  const { now, readFile } = world;
  return {
    network,
    service: createLookUp({ sources, now, clock: now, readFile, fetch: network.fetch, ...more }),
  };
}

describe("ECR", () => {
  test("a tag, its platforms and the scan of each, with a login that the registry takes back", async () => {
    const world = createWorld();
    const fake = fakeAws({ ...world, trusted: world.trusts(audiences.aws) });
    const { registry } = fake;
    const amd = registry.pushImage("team/app", { content: "amd" });
    const arm = registry.pushImage("team/app", { content: "arm", platform: "linux/arm64" });
    registry.pushIndex(
      "team/app",
      [
        { ...amd, platform: "linux/amd64" },
        { ...arm, platform: "linux/arm64" },
      ],
      { tag: "1" },
    );
    const completedAt = Date.parse(at) / 1000;
    const finding = { name: "CVE-2026-0001", severity: "HIGH" };
    fake.scans.set(`team/app@${amd.digest}`, { status: "COMPLETE", completedAt, findings: [] });
    fake.scans.set(`team/app@${arm.digest}`, { status: "COMPLETE", completedAt, findings: [finding] });
    const { service } = start(
      [
        {
          type: "ecr",
          name: "ecr",
          registries: [awsRegistry],
          credentials: credentialsFor("aws"),
          maxScanAge: "7d",
        },
      ],
      world,
      fake.hosts,
    );
    const { lookUp } = await service;
    const options = { platforms: ["linux/amd64", "linux/arm64"], signal };
    expect(summary(await lookUp(`${awsRegistry}/team/app:1`, options))).toEqual([
      ["complete", []],
      ["complete", ["CVE-2026-0001"]],
    ]);
    // ECR's token should live for hours yet; the registry says otherwise.
    fake.passwords.length = 0;
    world.advance(3_600_000);
    expect(summary(await lookUp(`${awsRegistry}/team/app:1`, options))).toEqual([
      ["complete", []],
      ["complete", ["CVE-2026-0001"]],
    ]);
    expect(fake.asked.filter((one) => one === "GetAuthorizationToken").length).toBe(2);
  });

  test("the verdict follows the scan without a restart: unscanned, pending, vulnerable, fixed; then too old", async () => {
    const world = createWorld();
    const fake = fakeAws({ ...world, trusted: world.trusts(audiences.aws) });
    const image = fake.registry.pushImage("team/app", { tag: "1" });
    const key = `team/app@${image.digest}`;
    const { service } = start(
      [
        {
          type: "ecr",
          name: "ecr",
          registries: [awsRegistry],
          credentials: credentialsFor("aws"),
          maxScanAge: "7d",
        },
      ],
      world,
      fake.hosts,
    );
    const { lookUp } = await service;
    const look = async (): Promise<Summary[]> =>
      summary(await lookUp(`${awsRegistry}/team/app:1`, { platforms: ["linux/amd64"], signal }));
    const completedAt = Date.parse(at) / 1000;
    expect(await look()).toEqual([["absent", []]]);
    fake.scans.set(key, { status: "IN_PROGRESS" });
    world.advance(15_000);
    expect(await look()).toEqual([["pending", []]]);
    fake.scans.set(key, {
      status: "COMPLETE",
      completedAt,
      findings: [{ name: "CVE-2026-0001", severity: "HIGH" }],
    });
    world.advance(10_000);
    expect(await look()).toEqual([["complete", ["CVE-2026-0001"]]]);
    fake.scans.set(key, { status: "COMPLETE", completedAt: completedAt + 60, findings: [] });
    world.advance(2 * 3_600_000);
    expect(await look()).toEqual([["complete", []]]);
    world.advance(8 * 24 * 3_600_000);
    expect(await look()).toEqual([["stale", []]]);
  });
});

describe("Artifact Registry", () => {
  test("a tag and its scan, with the access token as the registry's password, and EPSS from the feed", async () => {
    const world = createWorld();
    const fake = fakeGoogle({ ...world, trusted: world.trusts(audiences.google) });
    const image = fake.registry.pushImage(`${googleProject}/images/app`, { tag: "1" });
    const url = `https://${googleRegistry}/${googleProject}/images/app@${image.digest}`;
    fake.occurrences.set(url, [
      {
        kind: "DISCOVERY",
        discovery: { analysisStatus: "FINISHED_SUCCESS", continuousAnalysis: "ACTIVE", lastScanTime: at },
      },
      {
        kind: "VULNERABILITY",
        noteName: "projects/goog-vulnz/notes/CVE-2026-0001",
        vulnerability: { severity: "HIGH" },
      },
    ]);
    world.files.set(
      "/feed.json",
      JSON.stringify({
        format: "gatehouse.dev/exploit-feed/v1",
        epss: { date: "2026-11-21", omittedBelow: 0, scores: { "CVE-2026-0001": 0.9 }, omitted: {} },
        kev: { date: "2026-11-21", cves: [] },
      }),
    );
    const states: unknown[] = [];
    const { service } = start(
      [
        {
          type: "artifact-registry",
          name: "gar",
          registries: [googleRegistry],
          projects: [googleProject],
          credentials: credentialsFor("google"),
        },
      ],
      world,
      fake.hosts,
      { exploitFeed: { file: "/feed.json" }, metrics: { feed: (state) => states.push(state) } },
    );
    const { lookUp } = await service;
    const scan = await lookUp(`${googleRegistry}/${googleProject}/images/app:1`, { platforms: [], signal });
    expect(scan.platforms[0]?.report).toMatchObject({
      state: "complete",
      findings: [{ id: "CVE-2026-0001", severity: "high", epss: 0.9, knownExploited: false }],
    });
    expect(states).toEqual([
      { epss: { state: "fresh", date: "2026-11-21" }, kev: { state: "fresh", date: "2026-11-21" } },
    ]);
  });
});

describe("Defender", () => {
  const signer = keySigner();
  const statement = (subject: Stored, method: string): object => ({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "app", digest: { sha256: subject.digest.slice("sha256:".length) } }],
    predicateType: "https://in-toto.io/attestation/vulns/v0.2",
    predicate: {
      scanner: { uri: "MDVM", result: [{ id: "CVE-2026-0001", severity: [{ method, score: "HIGH" }] }] },
      metadata: { scanStartedOn: at, scanFinishedOn: at },
    },
  });

  async function setUp(method: string, annotations: Record<string, string>, trusted = signer) {
    const world = createWorld();
    const fake = fakeAzure({ ...world, trusted: world.trusts(audiences.azure) });
    const image = fake.registry.pushImage("app", { tag: "1" });
    fake.registry.attach("app", image, {
      artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      content: await signer.sign(statement(image, method)),
      annotations,
    });
    const { service } = start(
      [
        {
          type: "defender",
          name: "defender",
          registries: [azureRegistry],
          credentials: credentialsFor("azure"),
          trust: [{ kind: "sigstore-key", publicKey: trusted.publicKey }],
        },
      ],
      world,
      fake.hosts,
    );
    const { lookUp } = await service;
    return {
      world,
      fake,
      look: async () => await lookUp(`${azureRegistry}/app:1`, { platforms: [], signal }),
    };
  }

  test("its signed artifact, read with Entra's token traded for the registry's", async () => {
    const { look, fake } = await setUp("nvd", { scanner: "MDVM" });
    expect(summary(await look())).toEqual([["complete", ["CVE-2026-0001"]]]);
    expect(fake.asked.slice(0, 3)).toEqual([
      "entra https://containerregistry.azure.net/.default",
      "exchange",
      "token repository:app:pull",
    ]);
  });

  test("a refresh token that the registry no longer takes is traded for anew", async () => {
    const { look, fake, world } = await setUp("nvd", { scanner: "MDVM" });
    await look();
    fake.expireTokens();
    world.advance(20 * 60_000);
    // The report is still held; the tag is asked for again, and that needs a login.
    expect(summary(await look())).toEqual([["complete", ["CVE-2026-0001"]]]);
    // At first, with the Entra token that has ended as well, and with a new one.
    expect(fake.asked.filter((one) => one === "exchange").length).toBe(3);
  });

  test("a method that is not known is unsupported, and its findings stay", async () => {
    const { look } = await setUp("mdvm-special", { scanner: "MDVM" });
    const scan = await look();
    expect(summary(scan)).toEqual([["unsupported", ["CVE-2026-0001"]]]);
    expect(scan.platforms[0]?.report.reason).toBe(
      'Defender\'s report rates by a method that is not known here: "mdvm-special"',
    );
  });

  test("what another scanner attached is not Defender's", async () => {
    expect(summary(await (await setUp("nvd", { scanner: "other" })).look())).toEqual([["absent", []]]);
  });

  test("what another key signed does not count", async () => {
    expect(summary(await (await setUp("nvd", { scanner: "MDVM" }, keySigner())).look())).toEqual([
      ["absent", []],
    ]);
  });
});

test("a registry that asks for less never makes a look-up outlast its caller's time", async () => {
  const world = createWorld();
  const fake = fakeAws({ ...world, trusted: world.trusts(audiences.aws) });
  fake.misbehave = () => new Response(null, { status: 429, headers: { "retry-after": "5" } });
  fake.registry.pushImage("team/app", { tag: "1" });
  const { service } = start(
    [{ type: "ecr", name: "ecr", registries: [awsRegistry], credentials: credentialsFor("aws") }],
    world,
    fake.hosts,
    { budgetMs: 500 },
  );
  const { lookUp } = await service;
  const caller = AbortSignal.timeout(100);
  expect(summary(await lookUp(`${awsRegistry}/team/app:1`, { platforms: [], signal: caller }))).toEqual([
    ["unavailable", []],
  ]);
});

test("everything that is wrong with the sources is said at once", async () => {
  const world = createWorld();
  const { service } = start(
    [
      { type: "ecr", name: "a", registries: [awsRegistry], credentials: credentialsFor("azure") },
      {
        type: "ecr",
        name: "b",
        registries: [awsRegistry],
        credentials: { ...credentialsFor("aws"), region: "x" },
      },
      {
        type: "artifact-registry",
        name: "c",
        registries: [googleRegistry],
        projects: [googleProject],
        credentials: { kind: "anonymous" },
      },
      {
        type: "ecr",
        name: "d",
        registries: [awsRegistry],
        credentials: credentialsFor("aws"),
        ecrEndpoint: "http://ecr.example",
      },
    ],
    world,
    {},
  );
  await expect(service).rejects.toThrow(
    [
      "sources[0] (a): credentials: ecr asks an interface of aws, which takes aws or aws-pod-identity, not azure",
      'sources[1] (b): region: expected one such as eu-west-1, got "x"',
      "sources[2] (c): credentials: artifact-registry asks an interface of google, which takes google or google-metadata, not anonymous",
      'sources[3] (d): ecrEndpoint: expected https://host without user, query or fragment (http only to loopback), got "http://ecr.example"',
    ].join("\n"),
  );
});

test("running images are kept warm: their look-ups ask nobody while anyone waits", async () => {
  const world = createWorld();
  const fake = fakeAws({ ...world, trusted: world.trusts(audiences.aws) });
  const images = ["a", "b", "c"].map((content) => fake.registry.pushImage("team/app", { content }));
  const completedAt = Date.parse(at) / 1000;
  for (const { digest } of images)
    fake.scans.set(`team/app@${digest}`, { status: "COMPLETE", completedAt, findings: [] });
  const { service } = start(
    [{ type: "ecr", name: "ecr", registries: [awsRegistry], credentials: credentialsFor("aws") }],
    world,
    fake.hosts,
  );
  const started = await service;
  const { lookUp } = started;
  const references = images.map(({ digest }) => `${awsRegistry}/team/app@${digest}`);
  const until = new AbortController();
  const warm = started.keepWarm(
    { images: () => references, platforms: () => [], everyMs: 30, perSecond: 1000 },
    until.signal,
  );
  const asked = (): number => fake.asked.filter((one) => one.startsWith("Describe")).length;
  await expect.poll(asked).toBe(images.length);
  until.abort();
  await warm;
  const scans = await Promise.all(references.map(async (one) => lookUp(one, { platforms: [], signal })));
  expect([scans.flatMap(summary), asked()]).toEqual([images.map(() => ["complete", []]), images.length]);
});
