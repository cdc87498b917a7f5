import type { Finding } from "@gatehouse/policy";
import { expect, test } from "vitest";
import {
  audiences,
  awsAccount,
  awsRegion,
  createWorld,
  credentialsFor,
  fakeAws,
  type EcrScan,
} from "../testing/clouds/index.ts";
import type { ImageIdentity } from "../source.ts";
import { cloudIdentity } from "../web-identity/cloud-identity.ts";
import { createEcrApi } from "./api.ts";
import { createInspector } from "./inspector.ts";
import type { InspectorView } from "./inspector-lists.ts";

const signal = new AbortController().signal;
const host = { account: awsAccount, region: awsRegion, api: `api.ecr.${awsRegion}.amazonaws.com` };
const at = Date.parse("2026-11-22T09:00:00Z") / 1000;

const image = (index: number, repository = "team/app"): ImageIdentity => ({
  registry: "unused",
  repository,
  digest: `sha256:${String(index).padStart(64, "0")}`,
});

const finding = (index: number, changes: object = {}): Record<string, unknown> => ({
  findingArn: `arn:${index}`,
  type: "PACKAGE_VULNERABILITY",
  status: "ACTIVE",
  severity: "HIGH",
  lastObservedAt: at,
  packageVulnerabilityDetails: { vulnerabilityId: `CVE-2026-${1000 + index}`, vulnerablePackages: [] },
  ...changes,
});

const scan = (...inspectorFindings: object[]): EcrScan => ({
  inspectorFindings,
  coverage: { scanStatus: { statusCode: "ACTIVE", reason: "SUCCESSFUL" }, lastScannedAt: at },
});

function setUp() {
  const world = createWorld();
  const fake = fakeAws({ ...world, trusted: world.trusts(audiences.aws) });
  const deps = world.deps(fake.hosts);
  const identity = cloudIdentity(credentialsFor("aws"), deps);
  if (identity.cloud !== "aws") throw new Error("aws");
  const read = createInspector(
    createEcrApi({ call: deps.call, keys: identity.keys, now: world.now }),
    world.now,
  );
  const put = (one: ImageIdentity, content: EcrScan): void => {
    fake.scans.set(`${one.repository}@${one.digest}`, content);
  };
  /** Calls so far, without the exchange; each as its operation and how many it was about. */
  const calls = (): string[] =>
    fake.asked
      .filter((one) => !one.startsWith("Assume"))
      .map((one) => `${one.split(" ")[0]} ${one.split(" ").length - 1}`);
  return { world, fake, put, calls, read: async (one: ImageIdentity) => await read(host, one, signal) };
}

const findingsOf = ({ entries }: InspectorView): Finding[] =>
  entries.flatMap((entry) => (entry.kind === "findings" ? entry.findings.map((one) => one.finding) : []));
const idsOf = (view: InspectorView): string[] => findingsOf(view).map(({ id }) => id);

test("images that are asked about at once share their calls, and each gets its own", async () => {
  const { put, read, calls } = setUp();
  const images = Array.from({ length: 22 }, (_, index) => image(index));
  for (const [index, one] of images.entries()) put(one, scan(finding(index)));
  const views = await Promise.all(images.map(read));
  expect(views.map(idsOf)).toEqual(images.map((_, index) => [`CVE-2026-${1000 + index}`]));
  expect(views.map(({ coverage, unread }) => [coverage?.lastScannedAt, unread])).toEqual(
    images.map(() => ["2026-11-22T09:00:00Z", []]),
  );
  expect(calls().sort()).toEqual([
    "ListCoverage 1",
    "ListCoverage 1",
    "ListCoverage 10",
    "ListCoverage 10",
    "ListFindings 1",
    "ListFindings 1",
    "ListFindings 10",
    "ListFindings 10",
  ]);
});

test("a digest in two repositories has the findings of each", async () => {
  const { put, read } = setUp();
  const images = [image(0), image(1), image(2), image(2, "team/copy")];
  for (const [index, one] of images.entries()) put(one, scan(finding(index)));
  expect((await Promise.all(images.map(read))).map(idsOf)).toEqual([
    ["CVE-2026-1000"],
    ["CVE-2026-1001"],
    ["CVE-2026-1002"],
    ["CVE-2026-1003"],
  ]);
});

test("what does not say which image it is about is asked for image by image", async () => {
  const { fake, put, read, calls } = setUp();
  const images = [0, 1, 2, 3].map((index) => image(index));
  for (const [index, one] of images.entries()) put(one, scan(finding(index)));
  fake.misbehave = async (request, next) => {
    const answer = await next();
    if (!request.url.endsWith("/findings/list")) return answer;
    const { findings } = (await answer.json()) as { findings: Record<string, unknown>[] };
    return Response.json({ findings: findings.map((one) => ({ ...one, resources: [] })) });
  };
  expect((await Promise.all(images.map(read))).map(idsOf)).toEqual([
    ["CVE-2026-1000"],
    ["CVE-2026-1001"],
    ["CVE-2026-1002"],
    ["CVE-2026-1003"],
  ]);
  expect(calls().filter((one) => one === "ListFindings 1").length).toBe(4);
});

test("an image that Inspector will not hear of does not take the others' answers away", async () => {
  const { fake, put, read } = setUp();
  const images = [0, 1, 2, 3].map((index) => image(index));
  for (const [index, one] of images.entries()) put(one, scan(finding(index)));
  const refused = image(3).digest;
  fake.misbehave = async (request, next) =>
    request.url.endsWith("/findings/list") && (await request.clone().text()).includes(refused)
      ? Response.json({ __type: "ValidationException" }, { status: 400 })
      : await next();
  const outcomes = await Promise.allSettled(images.map(read));
  expect(outcomes.map((one) => (one.status === "fulfilled" ? idsOf(one.value) : "no answer"))).toEqual([
    ["CVE-2026-1000"],
    ["CVE-2026-1001"],
    ["CVE-2026-1002"],
    "no answer",
  ]);
});

test("a page that is missing makes a part of its own image alone", async () => {
  const { fake, put, read } = setUp();
  const images = [0, 1, 2, 3].map((index) => image(index));
  for (const [index, one] of images.entries())
    put(one, scan(...Array.from({ length: index === 3 ? 150 : 1 }, (_, n) => finding(index * 1000 + n))));
  fake.misbehave = async (request, next) =>
    (await request.clone().text()).includes("nextToken") ? new Response(null, { status: 400 }) : await next();
  const views = await Promise.all(images.map(read));
  expect(views.map(({ entries, unread }) => [entries.length, unread.length])).toEqual([
    [1, 0],
    [1, 0],
    [1, 0],
    [100, 1],
  ]);
});

test("a scan that ends while it is asked about never looks like one that found nothing", async () => {
  const { fake, put, read } = setUp();
  put(image(1), { coverage: { scanStatus: { statusCode: "ACTIVE", reason: "PENDING_INITIAL_SCAN" } } });
  fake.misbehave = async (request, next) => {
    const answer = await next();
    if (request.url.includes("inspector2")) put(image(1), scan(finding(1)));
    return answer;
  };
  const { coverage, entries } = await read(image(1));
  expect([coverage?.meaning.state, entries.length]).toEqual(["pending", 1]);
});

const exploitable = { exploitAvailable: "YES" };

test("what is known to be exploited is asked for once, for all images, and EPSS where there is none", async () => {
  const { world, put, read, calls } = setUp();
  const details = { "arn:1": { cisaData: { dateAdded: at }, epssScore: 0.9 }, "arn:2": { epssScore: 0.1 } };
  const list = [
    finding(1, exploitable),
    finding(2, { ...exploitable, epss: { score: 0.2 } }),
    finding(3, exploitable),
    finding(4),
  ];
  put(image(1), { ...scan(...list), details });
  put(image(2), scan(finding(1, { ...exploitable, findingArn: "arn:other" })));
  const known = findingsOf(await read(image(1))).map(({ epss, knownExploited }) => ({
    epss,
    knownExploited,
  }));
  expect(known).toEqual([
    { epss: 0.9, knownExploited: true },
    { epss: 0.2, knownExploited: undefined },
    { epss: undefined, knownExploited: undefined },
    { epss: undefined, knownExploited: undefined },
  ]);
  expect(findingsOf(await read(image(2)))[0]?.knownExploited).toBe(true);
  const asked = (): number => calls().filter((one) => one.startsWith("BatchGet")).length;
  const before = asked();
  world.advance(25 * 60 * 60_000);
  await read(image(2));
  expect([before, asked()]).toEqual([3, 4]);
});

test("without the permission for details nothing is known of exploits, and it is not asked for again at once", async () => {
  const { world, fake, put, read } = setUp();
  put(image(1), scan(finding(1, exploitable)));
  let refusals = 0;
  fake.misbehave = async (request, next) => {
    if (!request.url.endsWith("/details/batch/get")) return await next();
    refusals++;
    return Response.json({ __type: "AccessDeniedException" }, { status: 403 });
  };
  const look = async (): Promise<unknown> => findingsOf(await read(image(1)))[0]?.knownExploited;
  expect([await look(), await look(), refusals]).toEqual([undefined, undefined, 1]);
  world.advance(11 * 60_000);
  expect([await look(), refusals]).toEqual([undefined, 2]);
});
