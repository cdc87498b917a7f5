/**
 * What a viewer of one namespace gets is the same, byte by byte, whether the cluster has another namespace or not: so
 * nothing of the other can be in it, however it is counted, ordered or named.
 */
import { definePolicy, deny, exempt, findings, states, type Finding } from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import { afterEach, expect, test } from "vitest";
import { critical, review, scanned, testApp, workload } from "../testing/fixtures.ts";
import {
  observedCluster,
  ownedBy,
  runningPod,
  templated,
  type ObservedCluster,
} from "../testing/observed-cluster.ts";

/** In every name of the other namespace. */
const trace = "zq7";
const other = `${trace}-pay`;
const images = {
  mine: { reference: "registry.example/web:1", digest: `sha256:${"1".repeat(64)}` },
  theirs: { reference: `registry.example/${trace}-ledger:1`, digest: `sha256:${"7".repeat(64)}` },
} as const;
const theirFinding: Finding = { ...critical, id: `CVE-2026-7777-${trace}` };

const found = [
  [images.mine, [critical]],
  [images.theirs, [critical, theirFinding]],
] as const;

const lookUp: LookUp = (reference) => {
  const [image, list] =
    found.find(([{ reference: tag, digest }]) => reference === tag || reference.endsWith(digest)) ?? [];
  if (image === undefined) throw new Error(`nobody deploys ${reference}`);
  return Promise.resolve(scanned(list ?? [], image.digest));
};

const policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals do not ship",
      when: findings({ minSeverity: "critical" }),
      onScan: states.strict,
    }),
  },
  exemptions: {
    [`${trace}-exemption`]: exempt({
      cves: [theirFinding.id],
      where: { namespace: other, repository: `${trace}-ledger` },
      reason: `told of ${trace}`,
      owner: `${trace}-team`,
      until: "2027-01-01",
    }),
    ours: exempt({
      cves: ["CVE-2026-0002"],
      where: { namespace: "shop" },
      reason: "not reachable",
      owner: "team-shop",
      until: "2027-01-01",
    }),
  },
  defaultRule: false,
});

function deployed(namespace: string, name: string, image: { reference: string; digest: string }) {
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    templated("Deployment", `${namespace}/${name}`, image.reference),
    runningPod(`${namespace}/${name}-1`, image.reference, {
      owner: ownedBy("Deployment", `${namespace}/${name}`),
      imageId: image.reference.replace(/:1$/, `@${image.digest}`),
    }),
  ];
}

/** Events and reviews of one admission, as a judge tells them. */
async function admitted(namespace: string, name: string, image: string, uid: string): Promise<unknown[]> {
  const judge = testApp({ policy: () => policy, lookUp, mode: "deny" });
  const metadata = { name, namespace, uid: `Deployment-${namespace}-${name}` };
  const user = { username: namespace === other ? `${trace}-bob` : "alice", groups: [] };
  await judge.validate(review(workload([image], "Deployment", metadata), { uid, namespace, userInfo: user }));
  return [...judge.events(), ...judge.reviews()];
}

let clusters: ObservedCluster[] = [];
afterEach(async () => {
  await Promise.all(clusters.map((one) => one.stop()));
  clusters = [];
});

const rights = {
  "system:serviceaccount:gate:admin": ["create impact *", "get inventory *", "get events *"],
  "system:serviceaccount:shop:viewer": ["create impact shop", "get inventory shop", "get events shop"],
};

const type = "application/cloudevents-batch+json";

/** A cluster with the viewer's namespace, and the other one between all that is in it. */
async function world(withOther: boolean): Promise<ObservedCluster> {
  const objects = [
    ...(withOther ? deployed(other, `${trace}-a`, images.theirs) : []),
    ...deployed("shop", "web", images.mine),
    ...(withOther ? deployed(other, `${trace}-b`, images.theirs) : []),
  ];
  const running = withOther
    ? [{ namespace: other, repository: `registry.example/${trace}-ledger`, digests: [images.theirs.digest] }]
    : [];
  const cluster = await observedCluster({ objects, rights, policy, lookUp, running });
  clusters.push(cluster);
  const tell = async (batch: readonly unknown[]) => {
    const response = await cluster.post("/v1/events", batch, cluster.token("gate:judge"), type);
    expect(await response.json()).toMatchObject({ invalid: 0, repeated: 0 });
  };
  for (const at of [0, 1, 2]) {
    const theirs = [`${trace}-a`, `${trace}-b`, `${trace}-a`][at] ?? "";
    if (withOther)
      await tell(await admitted(other, theirs, images.theirs.reference, `${trace}-request-${at}`));
    await tell(await admitted("shop", at === 1 ? "api" : "web", images.mine.reference, `request-${at}`));
    if (withOther) await tell(await admitted(other, theirs, images.theirs.reference, `${trace}-again-${at}`));
  }
  return cluster;
}

/** What is random or the clock's by design, and tells nothing. */
function settled(text: string): string {
  return text
    .replaceAll(/"next":"[A-Za-z0-9_-]{59}"/g, '"next":"CURSOR"')
    .replaceAll(/seen=[0-9a-f]{24}/g, "seen=MARK");
}

async function answerTo(cluster: ObservedCluster, account: string, path: string): Promise<string> {
  const token = cluster.token(account);
  const response = path.startsWith("POST ")
    ? await cluster.post(path.slice("POST ".length), { policy, mode: "deny" }, token)
    : await cluster.get(path, token);
  const { "content-length": _, ...headers } = Object.fromEntries(response.headers);
  return settled(`${response.status}\n${JSON.stringify(headers)}\n${await response.text()}`);
}

const questions = [
  "/v1/inventory",
  "/v1/inventory?limit=1",
  "/v1/running",
  "/v1/events",
  "/v1/events?limit=1",
  "/v1/snapshot",
  "POST /v1/impact",
  "/ui/now",
  "/ui/admissions",
  "/ui/exemptions",
  "/ui/health",
];

/** All that is reached from the questions by links, and the pages of an answer that goes on. */
async function everything(cluster: ObservedCluster, account: string): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  const open = [...questions];
  for (let path = open.shift(); path !== undefined; path = open.shift()) {
    if (seen.has(path)) continue;
    const text = await answerTo(cluster, account, path);
    seen.set(path, text);
    if (!path.startsWith("/ui/")) continue;
    for (const [, href = ""] of text.matchAll(/href="([^"]*)"/g)) {
      const to = new URL(href.replaceAll("&amp;", "&"), `https://gate${path}`);
      if (to.host === "gate" && to.pathname.startsWith("/ui/")) open.push(`${to.pathname}${to.search}`);
    }
  }
  return seen;
}

test("every answer, page, export and link is the same with another namespace and without", async () => {
  const [alone, beside] = [await world(false), await world(true)];
  const expected = await everything(alone, "shop:viewer");
  const got = await everything(beside, "shop:viewer");
  expect(Object.fromEntries(got)).toEqual(Object.fromEntries(expected));
  const paths = [...got.keys()];
  for (const page of ["now", "admissions", "admission", "image", "exemptions", "health"])
    for (const format of ["", "format=csv", "format=json"])
      expect(paths.filter((path) => path.startsWith(`/ui/${page}`) && path.includes(format))).not.toEqual([]);
  for (const [path, text] of got) expect(`${path}: ${text}`).not.toContain(trace);
  for (const [path, text] of got) expect(`${path}: ${text.slice(0, 3)}`).toBe(`${path}: 200`);

  // The same search finds it for whoever may see it: on every page, in every export that has rows of it.
  const all = await everything(beside, "gate:admin");
  for (const path of questions.filter((one) => one !== "/ui/health" && !one.includes("limit")))
    expect(`${path}: ${all.get(path)?.includes(trace)}`).toBe(`${path}: true`);
});

test("who asks for something of the other namespace by name is answered as if it were not there", async () => {
  const [alone, beside] = [await world(false), await world(true)];
  const [theirs] = (await admitted(other, `${trace}-a`, images.theirs.reference, "any")) as [
    { data: { key: string } },
  ];
  const named = [
    `/v1/inventory?namespace=${other}`,
    `/v1/inventory?after=${other}`,
    `/v1/events?namespace=${other}`,
    `/v1/events/stream?namespace=${other}`,
    `/v1/snapshot?namespace=${other}`,
    `/ui/now?namespace=${other}`,
    `/ui/now?cve=${theirFinding.id}`,
    `/ui/admissions?namespace=${other}&format=csv`,
    `/ui/admissions?image=${trace}&format=json`,
    `/ui/admissions?user=${trace}`,
    `/ui/admission?key=${theirs.data.key}`,
    `/ui/image?reference=${encodeURIComponent(images.theirs.reference)}`,
    `/ui/image?reference=${encodeURIComponent(images.mine.reference)}&owner=${other}/Deployment/${trace}-a`,
  ];
  for (const path of named)
    expect(`${path}: ${await answerTo(beside, "shop:viewer", path)}`).toBe(
      `${path}: ${await answerTo(alone, "shop:viewer", path)}`,
    );
  // Who may see it does find it there.
  const key = `/ui/admission?key=${theirs.data.key}`;
  expect(await answerTo(beside, "gate:admin", key)).toContain(`${trace}-bob`);
});

test("what happens in the other namespace wakes nobody who waits and moves no stream", async () => {
  const cluster = await world(true);
  const token = cluster.token("shop:viewer");
  const next = ((await (await cluster.get("/v1/events", token)).json()) as { next: string }).next;
  const gone = new AbortController();
  const headers = { "x-gatehouse-token": token };
  const streams = await Promise.all(
    [`/v1/events/stream?since=${next}`, "/ui/live"].map(async (path) => {
      const { body } = await cluster.app.request(path, { headers, signal: gone.signal });
      return body?.pipeThrough(new TextDecoderStream()).getReader();
    }),
  );
  // What a page has not seen yet is told at once.
  expect((await streams[1]?.read())?.value).toContain("event: changed");
  const heard: string[] = [];
  const answers = [
    cluster.get(`/v1/events?since=${next}&wait=25`, token).then(async (one) => heard.push(await one.text())),
    ...streams.map(async (reader) => heard.push((await reader?.read())?.value ?? "")),
  ];
  const tell = async (batch: readonly unknown[]) => {
    await cluster.post("/v1/events", batch, cluster.token("gate:judge"), type);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  for (const at of [7, 8, 9])
    await tell(await admitted(other, `${trace}-a`, images.theirs.reference, `${trace}-later-${at}`));
  expect(heard).toEqual([]);
  await tell(await admitted("shop", "web", images.mine.reference, "request-later"));
  await Promise.all(answers);
  expect(heard).toHaveLength(3);
  for (const text of heard) expect(text).not.toContain(trace);
  gone.abort();
});
