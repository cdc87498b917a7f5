import type { ScanReport } from "@gatehouse/policy";
import { describe, expect, test } from "vitest";
import {
  audiences,
  createWorld,
  credentialsFor,
  fakeGoogle,
  googleProject,
  googleRegistry,
} from "../testing/clouds/index.ts";
import { answers, firstTimes } from "../testing/misbehaviours.ts";
import { sourceContract } from "../testing/source-contract.ts";
import type { ImageIdentity } from "../source.ts";
import { cloudIdentity } from "../web-identity/cloud-identity.ts";
import { artifactRegistrySource } from "./artifact-registry-source.ts";
import { analysedImage } from "./image.ts";
import { createListOccurrences } from "./occurrences.ts";

const signal = new AbortController().signal;
const repository = `${googleProject}/images/app`;
const image = (letter: string): ImageIdentity => ({
  registry: googleRegistry,
  repository,
  digest: `sha256:${letter.repeat(64)}`,
});
const urlOf = (letter: string): string => `https://${googleRegistry}/${repository}@${image(letter).digest}`;

const discovery = (changes: object = {}): object => ({
  kind: "DISCOVERY",
  noteName: "projects/goog-analysis/notes/PACKAGE_VULNERABILITY",
  discovery: {
    analysisStatus: "FINISHED_SUCCESS",
    continuousAnalysis: "ACTIVE",
    lastScanTime: "2026-11-22T09:00:00.123456Z",
    ...changes,
  },
});
const issue = {
  affectedCpeUri: "cpe:/o:debian:debian_linux:12",
  affectedPackage: "openssl",
  affectedVersion: { epoch: 0, name: "3.0.1", revision: "2", kind: "NORMAL", fullName: "3.0.1-2" },
  fixedVersion: { kind: "NORMAL", fullName: "3.0.1-3" },
  fixAvailable: true,
  packageType: "OS",
  effectiveSeverity: "LOW",
};
function vulnerability(
  changes: object = {},
  packageIssue: readonly object[] = [issue],
  id = "CVE-2026-0001",
): object {
  return {
    name: `projects/${googleProject}/occurrences/1`,
    noteName: `projects/goog-vulnz/notes/${id}`,
    kind: "VULNERABILITY",
    createTime: "2026-11-21T09:00:00Z",
    vulnerability: {
      type: "OS",
      severity: "HIGH",
      effectiveSeverity: "MEDIUM",
      cvssScore: 7.5,
      cvssVersion: "CVSS_VERSION_3",
      cvssv3: { baseScore: 7.5 },
      cvssV2: { baseScore: 5 },
      shortDescription: id,
      longDescription: "It is bad",
      relatedUrls: [{ url: "https://security.example/1", label: "More" }],
      packageIssue,
      ...changes,
    },
  };
}

function setUp(occurrences?: readonly object[], options: { regional?: boolean } = {}) {
  const world = createWorld();
  const fake = fakeGoogle({ ...world, trusted: world.trusts(audiences.google) });
  const deps = world.deps(fake.hosts);
  const identity = cloudIdentity(credentialsFor("google"), deps);
  if (identity.cloud !== "google") throw new Error("google");
  const source = artifactRegistrySource({
    name: "gar",
    registries: [googleRegistry],
    projects: [googleProject],
    list: createListOccurrences({ call: deps.call, token: identity.token, ...options }),
    now: world.now,
  });
  if (occurrences !== undefined) fake.occurrences.set(urlOf("a"), occurrences);
  const read = async (one = image("a")): Promise<ScanReport> => await source.report(one, signal);
  return { fake, source, read, network: deps.network };
}

sourceContract("Artifact Registry", () => {
  const { fake, source } = setUp([discovery(), vulnerability()]);
  fake.occurrences.set(urlOf("b"), [discovery()]);
  return Promise.resolve({
    source,
    vulnerable: { image: image("a"), ids: ["CVE-2026-0001"] },
    clean: image("b"),
    unscanned: image("c"),
    uncovered: { registry: "us-docker.pkg.dev", repository },
    breakDown: () => {
      fake.misbehave = answers(403);
    },
  });
});

test("a report, whole", async () => {
  const risk = { cisaKev: { knownRansomwareCampaignUse: "Known" }, epss: { score: 0.1, percentile: 0.9 } };
  const { read, fake } = setUp([discovery(), vulnerability({ risk })]);
  expect(await read()).toEqual({
    state: "complete",
    source: "gar",
    trust: { kind: "source" },
    scanner: { name: "Artifact Analysis" },
    scannedAt: "2026-11-22T09:00:00.123Z",
    findings: [
      {
        id: "CVE-2026-0001",
        severity: "low",
        package: { name: "openssl", version: "3.0.1-2", type: "deb", purl: "pkg:deb/debian/openssl@3.0.1-2" },
        fix: { available: true, version: "3.0.1-3" },
        cvss: 7.5,
        epss: 0.1,
        knownExploited: true,
        firstSeenAt: "2026-11-21T09:00:00Z",
        title: "It is bad",
        url: "https://security.example/1",
      },
    ],
  });
  expect(fake.asked).toEqual(["token", `DISCOVERY ${urlOf("a")}`, `VULNERABILITY ${urlOf("a")}`]);
});

test("regional records are asked of the registry's own location", async () => {
  const { read, network } = setUp([discovery(), vulnerability()], { regional: true });
  expect((await read()).state).toBe("complete");
  expect(network.dialled.map(({ url }) => url.replace(/\?.*/, "")).slice(1)).toEqual(
    Array.from(
      { length: 2 },
      () =>
        `https://containeranalysis.europe-west1.rep.googleapis.com/v1/projects/${googleProject}/locations/europe-west1/occurrences`,
    ),
  );
});

test("more than one page is read to the end", async () => {
  const many = Array.from({ length: 2500 }, (_, index) =>
    vulnerability({}, [issue], `CVE-2026-${10_000 + index}`),
  );
  const { read, fake } = setUp([discovery(), ...many]);
  const { state, findings } = await read();
  expect([state, findings.length, fake.asked.length]).toEqual(["complete", 2500, 1 + 1 + 3]);
});

test("a later page that fails, and places that were not reached, make it a part", async () => {
  const many = Array.from({ length: 1500 }, (_, index) =>
    vulnerability({}, [issue], `CVE-2026-${10_000 + index}`),
  );
  const { read, fake } = setUp([discovery(), ...many]);
  fake.misbehave = async (request, next) =>
    request.url.includes("pageToken") ? new Response(null, { status: 400 }) : await next();
  expect(await read()).toMatchObject({ state: "partial", reason: expect.stringContaining("page 2") });
  fake.misbehave = undefined;
  fake.unreachable = ["projects/p/locations/us"];
  expect(await read()).toMatchObject({
    state: "partial",
    reason: expect.stringContaining("could not reach projects/p/locations/us"),
  });
});

test.each<[string, object, object]>([
  ["a record of another image", { resourceUri: urlOf("b") }, {}],
  ["a record that does not say of which image", { resourceUri: undefined }, {}],
  ["a vulnerability of another image", {}, { resourceUri: urlOf("b") }],
  ["an analysis that met an error", { discovery: { analysisError: [{ message: "no Maven" }] } }, {}],
])("%s makes it a part", async (_what, record, found) => {
  const own = discovery() as { discovery: object };
  const merged = { ...own, ...record, discovery: { ...own.discovery, ...(record as typeof own).discovery } };
  const { state, findings } = await setUp([discovery(), merged, { ...vulnerability(), ...found }]).read();
  expect([state, findings.length]).toEqual(["partial", "resourceUri" in found ? 0 : 1]);
});

test("records of another image alone are none of ours", async () => {
  const other = { ...discovery(), resourceUri: urlOf("b") };
  expect(await setUp([other]).read()).toMatchObject({
    state: "partial",
    reason: "1 occurrences do not say that they are about this image",
  });
});

test("nothing found in a part of the places is not absent", async () => {
  const { read, fake } = setUp();
  fake.unreachable = ["projects/p/locations/us"];
  expect((await read()).state).toBe("partial");
});

describe("a vulnerability", () => {
  const first = async (changes: object, issues?: readonly object[]) =>
    (await setUp([discovery(), vulnerability(changes, issues)]).read()).findings[0];

  test.each<[string, object, unknown]>([
    ["a fixed version", {}, { available: true, version: "3.0.1-3" }],
    ["MAXIMUM", { fixedVersion: { kind: "MAXIMUM" } }, { available: false }],
    ["no version, but a fix", { fixedVersion: undefined }, { available: true }],
    ["no fix", { fixedVersion: undefined, fixAvailable: false }, { available: false }],
    ["nothing said", { fixedVersion: undefined, fixAvailable: undefined }, undefined],
    [
      "a version in parts",
      { fixedVersion: { kind: "NORMAL", epoch: 1, name: "2", revision: "3" } },
      { available: true, version: "1:2-3" },
    ],
  ])("fix: %s", async (_what, changes, expected) => {
    expect((await first({}, [{ ...issue, ...changes }]))?.fix).toEqual(expected);
  });

  test.each<[string, object, unknown]>([
    ["the package's", {}, "low"],
    ["else the effective one", { effectiveSeverity: "SEVERITY_UNSPECIFIED" }, "medium"],
  ])("severity: %s", async (_what, changes, expected) => {
    expect((await first({}, [{ ...issue, ...changes }]))?.severity).toBe(expected);
  });

  test.each<[object, number | undefined]>([
    [{ cvssV4: { baseScore: 8.1 } }, 8.1],
    [{}, 7.5],
    [{ cvssv3: undefined, cvssScore: undefined }, 5],
    [{ cvssv3: undefined, cvssV2: undefined, cvssScore: 6 }, 6],
    [{ cvssv3: undefined, cvssV2: undefined, cvssScore: 0 }, undefined],
  ])("cvss of %o is %s", async (changes, expected) => {
    expect((await first(changes))?.cvss).toBe(expected);
  });

  test.each([
    ["GO", "golang.org/x/net", "golang", "pkg:golang/golang.org/x/net@3.0.1-2"],
    ["GO_STDLIB", "stdlib", "golang", "pkg:golang/stdlib@3.0.1-2"],
    ["MAVEN", "org.acme:lib", "maven", "pkg:maven/org.acme/lib@3.0.1-2"],
    ["NPM", "@a/b", "npm", "pkg:npm/%40a/b@3.0.1-2"],
    ["PYPI", "x", "pypi", "pkg:pypi/x@3.0.1-2"],
    ["RUBYGEMS", "x", "gem", "pkg:gem/x@3.0.1-2"],
    ["NUGET", "X", "nuget", "pkg:nuget/X@3.0.1-2"],
    ["RUST", "x", "cargo", "pkg:cargo/x@3.0.1-2"],
    ["COMPOSER", "a/x", "composer", "pkg:composer/a/x@3.0.1-2"],
    ["SOMETHING", "x", undefined, undefined],
  ])("package type %s", async (packageType, affectedPackage, type, purl) => {
    const one = await first({}, [{ ...issue, packageType, affectedPackage, affectedCpeUri: "cpe:/a:x" }]);
    expect([one?.package?.type, one?.package?.purl]).toEqual([type, purl]);
  });

  test("that VEX rules out is not counted; one that it affirms or still looks into is", async () => {
    const states = ["NOT_AFFECTED", "FIXED", "AFFECTED", "UNDER_INVESTIGATION", "STATE_UNSPECIFIED", "NEW"];
    const list = states.map((state, index) =>
      vulnerability({ vexAssessment: { state } }, [issue], `CVE-2026-000${index}`),
    );
    const { findings, ruledOut } = await setUp([discovery(), ...list]).read();
    expect(findings.map(({ id }) => id)).toEqual([
      "CVE-2026-0002",
      "CVE-2026-0003",
      "CVE-2026-0004",
      "CVE-2026-0005",
    ]);
    expect(ruledOut).toEqual([
      { id: "CVE-2026-0000", reason: "VEX in Artifact Analysis: not affected" },
      { id: "CVE-2026-0001", reason: "VEX in Artifact Analysis: fixed" },
    ]);
  });

  test("in several packages is a finding in each, and without one still a finding", async () => {
    const two = [issue, { ...issue, affectedPackage: "libssl" }];
    expect((await setUp([discovery(), vulnerability({}, two)]).read()).findings.length).toBe(2);
    expect(await first({ packageIssue: undefined })).toMatchObject({
      id: "CVE-2026-0001",
      severity: "medium",
    });
  });

  test("that cannot be read makes the report a part", async () => {
    const nameless = { kind: "VULNERABILITY", vulnerability: {} };
    expect((await setUp([discovery(), nameless]).read()).state).toBe("partial");
  });
});

test("a project that the source does not name is not asked about", async () => {
  const { read, network } = setUp();
  const report = await read({ ...image("a"), repository: "other-project/images/app" });
  expect([report.state, network.dialled]).toEqual(["unsupported", []]);
});

test("a project that only begins like one that is named is not asked about", async () => {
  const { read, network } = setUp();
  const report = await read({ ...image("a"), repository: `${googleProject}-evil/images/app` });
  expect([report.state, network.dialled]).toEqual(["unsupported", []]);
});

test("what asks for less is asked again", async () => {
  const { read, fake } = setUp([discovery()]);
  await read();
  fake.misbehave = firstTimes(1, answers(429));
  expect((await read()).state).toBe("complete");
});

test.each([
  ["europe-west1-docker.pkg.dev", "europe-west1"],
  ["us-docker.pkg.dev", "us"],
  ["gcr.io", "us"],
  ["eu.gcr.io", "europe"],
])("%s is in %s", (registry, location) => {
  const { digest } = image("a");
  expect(
    analysedImage({ registry, repository: "acme.example/app/r/i", digest }, ["acme.example:app"]),
  ).toEqual({
    project: "acme.example:app",
    location,
    resourceUrl: `https://${registry}/acme.example/app/r/i@${digest}`,
  });
});

test.each(["docker.io", "docker.pkg.dev", "evil.example", "x.gcr.io", "us-docker.pkg.dev.evil.example"])(
  "%s is no host of Artifact Registry",
  async (registry) => {
    const { source, network } = setUp();
    const report = await source.report({ ...image("a"), registry }, signal);
    expect([report.state, network.dialled]).toEqual(["unsupported", []]);
  },
);
