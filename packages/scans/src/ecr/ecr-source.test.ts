import type { ScanReport, ScanState } from "@gatehouse/policy";
import { describe, expect, test } from "vitest";
import {
  audiences,
  awsAccount,
  awsRegion,
  awsRegistry,
  createWorld,
  credentialsFor,
  fakeAws,
  type EcrScan,
  type FakeAwsOptions,
} from "../testing/clouds/index.ts";
import { answers, firstTimes } from "../testing/misbehaviours.ts";
import { sourceContract } from "../testing/source-contract.ts";
import type { ImageIdentity } from "../source.ts";
import { cloudIdentity } from "../web-identity/cloud-identity.ts";
import { createEcrApi } from "./api.ts";
import { ecrSource } from "./ecr-source.ts";
import { parseEcrHost } from "./host.ts";

const signal = new AbortController().signal;
const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;
const image = (letter: string, repository = "team/app"): ImageIdentity => ({
  registry: awsRegistry,
  repository,
  digest: digestOf(letter),
});
const completedAt = Date.parse("2026-11-22T09:00:00Z") / 1000;

function setUp(scan?: EcrScan, options: { inspector?: boolean } & Partial<FakeAwsOptions> = {}) {
  const world = createWorld();
  const { inspector, ...rest } = options;
  const fake = fakeAws({ ...world, trusted: world.trusts(audiences.aws), ...rest });
  const deps = world.deps(fake.hosts);
  const identity = cloudIdentity(credentialsFor("aws"), deps);
  if (identity.cloud !== "aws") throw new Error("aws");
  const api = createEcrApi({ call: deps.call, keys: identity.keys, now: world.now });
  const source = ecrSource({ name: "ecr", registries: [awsRegistry], api, inspector });
  if (scan !== undefined) fake.scans.set(`team/app@${digestOf("a")}`, scan);
  const read = async (one = image("a")): Promise<ScanReport> => await source.report(one, signal);
  return { world, fake, source, read, network: deps.network };
}

const basicFinding = {
  name: "CVE-2026-0001",
  uri: "https://security.example/CVE-2026-0001",
  severity: "CRITICAL",
  description: "It is bad",
  attributes: [
    { key: "package_name", value: "openssl" },
    { key: "package_version", value: "1.1.1-2" },
    { key: "CVSS2_SCORE", value: "5.0" },
    { key: "CVSS3_SCORE", value: "9.8" },
    { key: "CVSS3_VECTOR", value: "CVSS:3.1/AV:N" },
  ],
};

function enhanced(changes: { details?: object; package?: object } & Record<string, unknown> = {}): object {
  const { details, package: one, ...rest } = changes;
  return {
    awsAccountId: awsAccount,
    findingArn: "arn:aws:inspector2:eu-west-1:123456789012:finding/1",
    type: "PACKAGE_VULNERABILITY",
    status: "ACTIVE",
    severity: "HIGH",
    title: "CVE-2026-0002 - libssl",
    description: "It is bad",
    firstObservedAt: completedAt - 86_400,
    lastObservedAt: completedAt,
    updatedAt: completedAt,
    fixAvailable: "YES",
    exploitAvailable: "NO",
    packageVulnerabilityDetails: {
      vulnerabilityId: "CVE-2026-0002",
      source: "DEBIAN_CVE",
      sourceUrl: "https://security.example/CVE-2026-0002",
      vendorCreatedAt: completedAt - 2 * 86_400,
      cvss: [
        { baseScore: 7.5, scoringVector: "CVSS:3.1/AV:N", source: "NVD", version: "3.1" },
        { baseScore: 5, scoringVector: "AV:N", source: "NVD", version: "2.0" },
      ],
      relatedVulnerabilities: [],
      vulnerablePackages: [
        {
          name: "libssl",
          version: "1.1.1",
          release: "2",
          epoch: 1,
          arch: "AMD64",
          packageManager: "OS",
          fixedInVersion: "1:1.1.1-3",
          ...one,
        },
      ],
      ...details,
    },
    resources: [{ details: { awsEcrContainerImage: { platform: "DEBIAN_12", imageHash: digestOf("a") } } }],
    ...rest,
  };
}

sourceContract("ECR, basic scanning", () => {
  const { fake, source } = setUp({
    status: "COMPLETE",
    completedAt,
    findings: [basicFinding],
    counts: { CRITICAL: 1 },
  });
  fake.scans.set(`team/app@${digestOf("b")}`, { status: "COMPLETE", completedAt, findings: [] });
  return Promise.resolve({
    source,
    vulnerable: { image: image("a"), ids: ["CVE-2026-0001"] },
    clean: image("b"),
    unscanned: image("c"),
    uncovered: { registry: `999999999999.dkr.ecr.${awsRegion}.amazonaws.com`, repository: "team/app" },
    breakDown: () => {
      fake.misbehave = answers(403);
    },
  });
});

sourceContract("ECR, enhanced scanning with Inspector", () => {
  const coverage = {
    resourceType: "AWS_ECR_CONTAINER_IMAGE",
    scanStatus: { statusCode: "ACTIVE", reason: "SUCCESSFUL" },
    lastScannedAt: completedAt,
  };
  const { fake, source } = setUp(
    {
      status: "ACTIVE",
      enhancedFindings: [enhanced()],
      inspectorFindings: [enhanced({ epss: { score: 0.5 } })],
      coverage,
    },
    { inspector: true },
  );
  fake.scans.set(`team/app@${digestOf("b")}`, { status: "ACTIVE", enhancedFindings: [], coverage });
  return Promise.resolve({
    source,
    vulnerable: { image: image("a"), ids: ["CVE-2026-0002"] },
    clean: image("b"),
    unscanned: image("c"),
    uncovered: { registry: "public.ecr.aws", repository: "team/app" },
    breakDown: () => {
      fake.misbehave = answers(403);
    },
  });
});

describe("a report", () => {
  test("of basic scanning, whole", async () => {
    const { read, fake } = setUp({
      status: "COMPLETE",
      completedAt,
      findings: [basicFinding],
      counts: { CRITICAL: 1 },
    });
    expect(await read()).toEqual({
      state: "complete",
      source: "ecr",
      trust: { kind: "source" },
      scanner: { name: "Amazon ECR basic scanning", databaseUpdatedAt: "2026-11-22T09:00:00Z" },
      scannedAt: "2026-11-22T09:00:00Z",
      findings: [
        {
          id: "CVE-2026-0001",
          severity: "critical",
          package: { name: "openssl", version: "1.1.1-2" },
          cvss: 9.8,
          title: "It is bad",
          url: "https://security.example/CVE-2026-0001",
        },
      ],
    });
    expect(fake.asked).toEqual([
      "AssumeRoleWithWebIdentity arn:aws:iam::123456789012:role/gatehouse",
      `DescribeImageScanFindings team/app@${digestOf("a")}`,
    ]);
  });

  test("of enhanced scanning with what Inspector adds, whole", async () => {
    const { read } = setUp(
      {
        status: "ACTIVE",
        enhancedFindings: [enhanced()],
        inspectorFindings: [enhanced({ epss: { score: 0.42 } })],
        coverage: {
          scanStatus: { statusCode: "ACTIVE", reason: "SUCCESSFUL" },
          lastScannedAt: completedAt + 60,
        },
      },
      { inspector: true },
    );
    expect(await read()).toEqual({
      state: "complete",
      source: "ecr",
      trust: { kind: "source" },
      scanner: { name: "Amazon Inspector" },
      scannedAt: "2026-11-22T09:01:00Z",
      findings: [
        {
          id: "CVE-2026-0002",
          severity: "high",
          package: {
            name: "libssl",
            version: "1:1.1.1-2",
            type: "deb",
            purl: "pkg:deb/debian/libssl@1:1.1.1-2",
          },
          fix: { available: true, version: "1:1.1.1-3" },
          cvss: 7.5,
          epss: 0.42,
          publishedAt: "2026-11-20T09:00:00Z",
          firstSeenAt: "2026-11-21T09:00:00Z",
          title: "CVE-2026-0002 - libssl",
          url: "https://security.example/CVE-2026-0002",
        },
      ],
    });
  });

  test("a scan without findings and without the time of its end is pending", async () => {
    for (const status of ["COMPLETE", "ACTIVE"])
      expect((await setUp({ status, findings: [] }).read()).state).toBe("pending");
  });

  test("findings that Inspector has seen prove that it has scanned", async () => {
    const { state, scannedAt } = await setUp({ status: "ACTIVE", enhancedFindings: [enhanced()] }).read();
    expect([state, scannedAt]).toEqual(["complete", "2026-11-22T09:00:00Z"]);
  });

  test("fewer findings than are counted are a part", async () => {
    const scan = { status: "COMPLETE", completedAt, counts: { HIGH: 2 } };
    expect(await setUp({ ...scan, findings: [] }).read()).toMatchObject({
      state: "partial",
      reason: "ECR counts 2 findings and gives 0",
    });
    expect((await setUp({ ...scan, findings: [basicFinding] }).read()).state).toBe("partial");
    expect((await setUp({ ...scan, status: "ACTIVE", enhancedFindings: [] }).read()).state).toBe("partial");
  });

  test("an entry without a name makes it a part", async () => {
    const scan = { status: "COMPLETE", completedAt, findings: [basicFinding, { severity: "HIGH" }] };
    const { state, findings } = await setUp(scan).read();
    expect([state, findings.length]).toEqual(["partial", 1]);
  });
});

describe("pages", () => {
  const many = (count: number): object[] =>
    Array.from({ length: count }, (_, index) =>
      enhanced({ findingArn: `arn:${index}`, details: { vulnerabilityId: `CVE-2026-${10_000 + index}` } }),
    );

  test("are read until there is none", async () => {
    const { read, fake } = setUp({ status: "ACTIVE", completedAt, enhancedFindings: many(250) });
    const { state, findings } = await read();
    expect([state, findings.length, fake.asked.length]).toEqual(["complete", 250, 1 + 3]);
  });

  test("of which a later one fails are a part", async () => {
    const { read, fake } = setUp({ status: "ACTIVE", completedAt, enhancedFindings: many(250) });
    let answered = 0;
    fake.misbehave = async (request, next) =>
      new URL(request.url).host.startsWith("api.ecr") && ++answered > 1
        ? new Response(null, { status: 400 })
        : await next();
    const { state, findings, reason } = await read();
    expect([state, findings.length]).toEqual(["partial", 100]);
    expect(reason).toContain("page 2 of ECR's findings is missing");
  });
});

describe("an answer that leaves out what was found", () => {
  const digest = digestOf("a");
  const page = (found: object, rest: object = {}): object => ({
    imageId: { imageDigest: digest },
    imageScanStatus: { status: "COMPLETE" },
    imageScanFindings: { imageScanCompletedAt: completedAt, ...found },
    ...rest,
  });
  const read = async (pages: readonly object[], inspector = false): Promise<ScanReport> => {
    let asked = 0;
    const empty = { findings: [], coveredResources: [] };
    const api = {
      ecr: () => Promise.resolve({ ...pages[asked++] }),
      inspector: () => Promise.resolve(empty),
    };
    return await ecrSource({ name: "ecr", registries: [awsRegistry], api, inspector }).report(
      image("a"),
      signal,
    );
  };
  const more = { nextToken: "more" };

  test.each<[string, readonly object[], ScanState]>([
    ["nothing at all", [page({})], "partial"],
    ["but for the count", [page({ findingSeverityCounts: {} })], "complete"],
    ["but for the list", [page({ findings: [] })], "complete"],
    ["on a later page", [page({ findings: [] }, more), page({})], "partial"],
    ["and an empty later page", [page({ findings: [] }, more), page({ findings: [] })], "complete"],
    [
      "later, of another image",
      [page({ findings: [] }, more), page({ findings: [] }, { imageId: {} })],
      "partial",
    ],
    ["by a page that never ends", [page({ findings: [] }, more), page({ findings: [] }, more)], "partial"],
    ["by a token that is none", [page({ findings: [] }, { nextToken: 7 })], "partial"],
  ])("%s", async (_what, pages, expected) => {
    expect((await read(pages)).state).toBe(expected);
  });

  test("where Inspector says it", async () => {
    expect((await read([page({})], true)).state).toBe("complete");
  });
});

describe("findings of Inspector", () => {
  test.each<[string, Parameters<typeof enhanced>[0], unknown]>([
    ["YES with a version", { fixAvailable: "YES" }, { available: true, version: "1:1.1.1-3" }],
    [
      "YES without",
      { fixAvailable: "YES", package: { fixedInVersion: "NotAvailable" } },
      { available: true },
    ],
    ["NO", { fixAvailable: "NO" }, { available: false }],
    ["PARTIAL, this one", { fixAvailable: "PARTIAL" }, { available: true, version: "1:1.1.1-3" }],
    [
      "PARTIAL, not this one",
      { fixAvailable: "PARTIAL", package: { fixedInVersion: "NotAvailable" } },
      { available: false },
    ],
    ["PARTIAL, not said", { fixAvailable: "PARTIAL", package: { fixedInVersion: undefined } }, undefined],
    [
      "a word that is not known",
      { fixAvailable: "MAYBE", package: { fixedInVersion: undefined } },
      undefined,
    ],
    ["nothing", { fixAvailable: undefined, package: { fixedInVersion: undefined } }, undefined],
  ])("fix: %s", async (_what, changes, expected) => {
    const { findings } = await setUp({
      status: "ACTIVE",
      completedAt,
      enhancedFindings: [enhanced(changes)],
    }).read();
    expect(findings[0]?.fix).toEqual(expected);
  });

  test.each<[string, object, unknown]>([
    ["OS", {}, ["deb", "pkg:deb/debian/libssl@1:1.1.1-2"]],
    ["NODEPKG", { name: "@scope/x", version: "1.0.0" }, ["npm", "pkg:npm/%40scope/x@1.0.0"]],
    ["NPM", { name: "lodash", version: "1.0.0" }, ["npm", "pkg:npm/lodash@1.0.0"]],
    ["YARN", { name: "lodash", version: "1.0.0" }, ["npm", "pkg:npm/lodash@1.0.0"]],
    [
      "GOBINARY",
      { name: "golang.org/x/net", version: "v0.1.0" },
      ["golang", "pkg:golang/golang.org/x/net@v0.1.0"],
    ],
    [
      "GOMOD",
      { name: "golang.org/x/net", version: "v0.1.0" },
      ["golang", "pkg:golang/golang.org/x/net@v0.1.0"],
    ],
    ["JAR", { name: "org.acme:lib", version: "1" }, ["maven", "pkg:maven/org.acme/lib@1"]],
    ["POM", { name: "lib", version: "1" }, ["maven", undefined]],
    ["PYTHONPKG", { name: "Foo_Bar", version: "1" }, ["pypi", "pkg:pypi/foo-bar@1"]],
    ["PIP", { name: "foo", version: "1" }, ["pypi", "pkg:pypi/foo@1"]],
    ["PIPENV", { name: "foo", version: "1" }, ["pypi", "pkg:pypi/foo@1"]],
    ["POETRY", { name: "foo", version: "1" }, ["pypi", "pkg:pypi/foo@1"]],
    ["GEMSPEC", { name: "foo", version: "1" }, ["gem", "pkg:gem/foo@1"]],
    ["BUNDLER", { name: "foo", version: "1" }, ["gem", "pkg:gem/foo@1"]],
    ["CARGO", { name: "foo", version: "1" }, ["cargo", "pkg:cargo/foo@1"]],
    ["COMPOSER", { name: "acme/foo", version: "1" }, ["composer", "pkg:composer/acme/foo@1"]],
    ["NUGET", { name: "Foo", version: "1" }, ["nuget", "pkg:nuget/Foo@1"]],
    ["DOTNET_CORE", { name: "Foo", version: "1" }, ["nuget", "pkg:nuget/Foo@1"]],
    ["SOMETHING", { name: "Foo", version: "1" }, [undefined, undefined]],
  ])("package manager %s", async (packageManager, one, expected) => {
    const rest = packageManager === "OS" ? {} : { release: undefined, epoch: 0 };
    const finding = enhanced({ package: { packageManager, ...rest, ...one } });
    const { findings } = await setUp({ status: "ACTIVE", completedAt, enhancedFindings: [finding] }).read();
    expect([findings[0]?.package?.type, findings[0]?.package?.purl]).toEqual(expected);
  });

  test("what the account suppresses still counts, what Inspector has closed does not", async () => {
    const list = ["SUPPRESSED", "CLOSED", "SOMETHING"].map((status, index) =>
      enhanced({ status, findingArn: `arn:${index}`, details: { vulnerabilityId: `CVE-2026-000${index}` } }),
    );
    const { state, findings, ruledOut } = await setUp({
      status: "ACTIVE",
      completedAt,
      enhancedFindings: list,
    }).read();
    expect([state, findings.map(({ id }) => id), ruledOut]).toEqual([
      "complete",
      ["CVE-2026-0000", "CVE-2026-0002"],
      [{ id: "CVE-2026-0001", reason: "Inspector has closed it" }],
    ]);
  });

  test("without a CVSS score has none", async () => {
    const finding = enhanced({ score: 7.5, details: { cvss: [] } });
    const { findings } = await setUp({ status: "ACTIVE", completedAt, enhancedFindings: [finding] }).read();
    expect(findings[0]?.cvss).toBeUndefined();
  });
});

describe("with Inspector", () => {
  const scan = (reason: string, statusCode = "ACTIVE"): EcrScan => ({
    status: "ACTIVE",
    completedAt,
    enhancedFindings: [],
    coverage: { scanStatus: { statusCode, reason }, lastScannedAt: completedAt },
  });
  test.each<[string, string, ScanState]>([
    ["ACTIVE", "SUCCESSFUL", "complete"],
    ["ACTIVE", "PENDING_INITIAL_SCAN", "pending"],
    ["INACTIVE", "SCAN_ELIGIBILITY_EXPIRED", "stale"],
    ["INACTIVE", "UNSUPPORTED_OS", "unsupported"],
    ["INACTIVE", "INTERNAL_ERROR", "failed"],
    ["ACTIVE", "SOMETHING_NEW", "unavailable"],
  ])("the worse of the two counts: %s %s is %s", async (code, reason, expected) => {
    expect((await setUp(scan(reason, code), { inspector: true }).read()).state).toBe(expected);
  });

  test("that does not answer: ECR's own proof holds and the report says so", async () => {
    const setting = { inspector: true };
    const without = setUp({ status: "ACTIVE", completedAt, enhancedFindings: [] }, setting);
    without.fake.misbehave = async (request, next) =>
      new URL(request.url).host.startsWith("inspector2")
        ? Response.json({ __type: "AccessDeniedException" }, { status: 403 })
        : await next();
    expect(await without.read()).toMatchObject({
      state: "complete",
      reason: "Inspector gave no answer: inspector2.eu-west-1.amazonaws.com: AccessDeniedException",
    });
    without.fake.scans.set(`team/app@${digestOf("a")}`, { status: "ACTIVE", enhancedFindings: [] });
    expect((await without.read()).state).toBe("unavailable");
  });
});

describe("errors", () => {
  test.each<[string, ScanState]>([
    ["ScanNotFoundException", "absent"],
    ["ImageNotFoundException", "absent"],
    ["RepositoryNotFoundException", "absent"],
    ["InvalidParameterException", "unavailable"],
    ["ValidationException", "unavailable"],
    ["ServerException", "unavailable"],
    ["ThrottlingException", "unavailable"],
    ["AccessDeniedException", "unavailable"],
    ["SomethingNewException", "unavailable"],
  ])("%s is %s", async (error, expected) => {
    expect(await setUp({ error }).read()).toMatchObject({ state: expected, findings: [] });
  });

  test("what asks for less is asked again", async () => {
    const { read, fake } = setUp({ status: "COMPLETE", completedAt, findings: [] });
    await read();
    fake.misbehave = firstTimes(2, () => Response.json({ __type: "ThrottlingException" }, { status: 400 }));
    expect((await read()).state).toBe("complete");
  });

  test("a role without the permission: the report says which", async () => {
    const other = { ...image("a"), registry: `999999999999.dkr.ecr.${awsRegion}.amazonaws.com` };
    expect((await setUp().read(other)).reason).toContain("allow ecr:DescribeImageScanFindings");
  });

  test("a clock that is an hour off is seen and allowed for", async () => {
    const world = createWorld();
    const fake = fakeAws({
      cluster: { ...world.cluster, check: () => undefined },
      trusted: world.trusts(audiences.aws),
      now: () => world.now() + 3_600_000,
    });
    fake.scans.set(`team/app@${digestOf("a")}`, { status: "COMPLETE", completedAt, findings: [] });
    const deps = world.deps(fake.hosts);
    const identity = cloudIdentity(credentialsFor("aws"), deps);
    if (identity.cloud !== "aws") throw new Error("aws");
    const api = createEcrApi({ call: deps.call, keys: identity.keys, now: world.now });
    const source = ecrSource({ name: "ecr", registries: [awsRegistry], api });
    expect((await source.report(image("a"), signal)).state).toBe("complete");
    expect(fake.issued).toBe(1);
  });
});

test.each([
  [
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    { account: awsAccount, region: "eu-west-1", api: "api.ecr.eu-west-1.amazonaws.com" },
  ],
  [
    "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
    { account: awsAccount, region: "us-gov-west-1", api: "api.ecr-fips.us-gov-west-1.amazonaws.com" },
  ],
  [
    "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
    { account: awsAccount, region: "cn-north-1", api: "api.ecr.cn-north-1.amazonaws.com.cn" },
  ],
  [
    "123456789012.dkr-ecr.eu-west-1.on.aws",
    { account: awsAccount, region: "eu-west-1", api: "ecr.eu-west-1.api.aws" },
  ],
  ["public.ecr.aws", undefined],
  ["123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example", undefined],
  ["12345.dkr.ecr.eu-west-1.amazonaws.com", undefined],
])("%s", (host, expected) => {
  expect(parseEcrHost(host)).toEqual(expected);
});

test("what is no private registry of ECR is unsupported, and nothing is sent", async () => {
  const { read, network } = setUp();
  const report = await read({ ...image("a"), registry: "public.ecr.aws" });
  expect([report.state, network.dialled]).toEqual(["unsupported", []]);
});
