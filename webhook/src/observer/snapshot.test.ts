/** From admissions to a snapshot and back: what is recorded is judged again to the same end, and nothing else is in it. */
import {
  definePolicy,
  deny,
  findings,
  readSnapshot,
  replay,
  states,
  type SnapshotLine,
} from "@gatehouse/policy";
import { afterEach, expect, test } from "vitest";
import { container, policy, pod, review, testApp, workload } from "../testing/fixtures.ts";
import {
  badDigest,
  observedCluster,
  runningPod,
  templated,
  type ObservedCluster,
} from "../testing/observed-cluster.ts";

let cluster: ObservedCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

const rights = {
  "system:serviceaccount:gate:admin": ["get inventory *", "get events *"],
  "system:serviceaccount:gate:half": ["get inventory *", "get events shop"],
  "system:serviceaccount:gate:blind": ["get inventory *"],
};

/** Takes a snapshot as the command line does. */
async function record(
  observed: ObservedCluster,
  account = "gate:admin",
  query = "",
): Promise<SnapshotLine[]> {
  const lines: SnapshotLine[] = [];
  for (let after: string | undefined = ""; after !== undefined;) {
    const response = await observed.get(
      `/v1/snapshot?after=${encodeURIComponent(after)}${query}`,
      observed.token(account),
    );
    if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    const page = (await response.json()) as { lines: SnapshotLine[]; next?: string };
    lines.push(...page.lines);
    after = page.next;
  }
  const count = (line: SnapshotLine["line"]) => lines.filter((one) => one.line === line).length;
  return [
    ...lines,
    { line: "end", workloads: count("workload"), reviews: count("review"), scans: count("scan") },
  ];
}

const read = (lines: readonly SnapshotLine[]) =>
  readSnapshot(
    lines.map((line) => JSON.stringify(line)),
    "the snapshot",
  );

const secrets = [
  "s3cr3t-env",
  "s3cr3t-arg",
  "s3cr3t-annotation",
  "s3cr3t-label",
  "s3cr3t-volume",
  "s3cr3t-probe",
];

/** A Pod spec with something secret wherever somebody might put it. */
function planted(image: string) {
  return {
    containers: [
      {
        ...container(image),
        env: [{ name: "TOKEN", value: secrets[0] }],
        command: ["run", `--token=${secrets[1]}`],
        args: [secrets[1]],
        livenessProbe: { exec: { command: [secrets[5]] } },
      },
    ],
    volumes: [{ name: "v", secret: { secretName: secrets[4] } }],
    nodeSelector: { note: secrets[3] },
    imagePullSecrets: [{ name: secrets[4] }],
  };
}

const metadata = (name: string) => ({
  name,
  namespace: "shop",
  uid: `uid-${name}`,
  annotations: { note: secrets[2] },
  labels: { app: "web", "app.kubernetes.io/name": "web", note: secrets[3] },
  managedFields: [{ manager: secrets[2] }],
});

async function start() {
  const written = templated("Deployment", "shop/written", "registry.example/bad:1");
  Object.assign(written["metadata"] as object, metadata("written"));
  Object.assign(written["spec"] as object, {
    template: { metadata: metadata("x"), spec: planted("registry.example/bad:1") },
  });
  cluster = await observedCluster({
    rights,
    objects: [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { note: secrets[3] } } },
      written,
      runningPod("shop/running", "registry.example/bad:1", { imageId: `registry.example/bad@${badDigest}` }),
      templated("CronJob", "pay/nightly", "registry.example/clean:1"),
    ],
  });
  const judge = testApp();
  const images = [
    "registry.example/bad:1",
    "registry.example/clean:1",
    "registry.example/pending:1",
    "elsewhere.example/x",
  ];
  for (const [index, image] of images.entries()) {
    await judge.validate(review(pod([image], { metadata: metadata(`pod-${index}`), spec: planted(image) })));
    await judge.validate(
      review(workload([image], "Deployment", { name: `app-${index}`, namespace: "pay", uid: `d-${index}` })),
    );
  }
  // Neither a dry run nor what cannot be read is a review.
  await judge.validate(review(pod(["registry.example/bad:1"]), { dryRun: true }));
  await judge.validate(review(pod(["registry.example/bad:1"], { spec: { containers: "x" } })));
  const sent = await cluster.post(
    "/v1/events",
    [...judge.events(), ...judge.reviews()],
    cluster.token("gate:judge"),
    "application/cloudevents-batch+json",
  );
  expect(await sent.json()).toEqual({ stored: 9, repeated: 0, invalid: 0, observer: "e1" });
  return cluster;
}

test("what is recorded is judged again to the same decisions; another policy differs as its impact says", async () => {
  const snapshot = read(await record(await start()));
  expect([snapshot.workloads.length, snapshot.reviews.length]).toEqual([3, 8]);
  const same = replay(snapshot, { policy: snapshot.policy, mode: "deny" });
  expect([same.reviews, same.otherReports, same.differences]).toEqual([8, 0, []]);
  const strict = definePolicy({
    rules: {
      ...policy.rules,
      "no-pending": deny({
        description: "What is not scanned does not ship",
        when: findings({ minSeverity: "critical" }),
        onScan: { ...states.audit, pending: "deny" },
      }),
    },
    defaultRule: false,
  });
  const stricter = replay(snapshot, { policy: strict, mode: "deny" });
  expect(stricter.differences.map(({ owner, was, is, rules }) => [owner, was, is, rules])).toEqual([
    ["shop/Pod/pod-2", "audit", "deny", ["no-pending"]],
    ["pay/Deployment/app-2", "audit", "deny", ["no-pending"]],
  ]);
  const audit = replay(snapshot, { policy: snapshot.policy, mode: "audit" });
  expect(audit.differences.map(({ owner }) => owner)).toEqual([
    "shop/Pod/pod-0",
    "pay/Deployment/app-0",
    "shop/Pod/pod-3",
    "pay/Deployment/app-3",
  ]);
  expect(audit.impact.newlyAdmitted.map(({ owner }) => owner)).toEqual([
    "shop/Deployment/written",
    "shop/Pod/running",
  ]);
});

test("nothing secret that stands in an object is in a snapshot; labels only when they are asked for", async () => {
  const observed = await start();
  const text = JSON.stringify(await record(observed));
  for (const secret of secrets) expect(text).not.toContain(secret);
  expect(text).not.toContain('"alice"');
  expect(text).toContain('"app.kubernetes.io/name":"web"');
  const asked = JSON.stringify(await record(observed, "gate:admin", "&label=note"));
  expect(secrets.filter((secret) => asked.includes(secret))).toEqual([secrets[3]]);
});

test("a policy that asks for labels that were not kept is not judged at all", async () => {
  const snapshot = read(await record(await start()));
  const byLabel = definePolicy({
    rules: {
      web: deny({
        description: "x",
        where: { labels: { note: "x" } },
        when: findings({}),
        onScan: states.audit,
      }),
    },
  });
  expect(() => replay(snapshot, { policy: byLabel, mode: "deny" })).toThrow(
    "expected the labels that the policy asks for, got none of note; record it again with --label note",
  );
});

test("only what a caller may see as inventory and as events is in it", async () => {
  const observed = await start();
  const half = await record(observed, "gate:half");
  expect(JSON.stringify(half)).not.toContain('"pay');
  expect(half.at(-1)).toEqual({ line: "end", workloads: 2, reviews: 4, scans: 2 });
  await expect(record(observed, "gate:blind")).rejects.toThrow("HTTP 403");
});

test.each<[string, (lines: string[]) => string[], string]>([
  ["cut short", (lines) => lines.slice(0, -1), "it was cut short"],
  ["with a line less", (lines) => lines.toSpliced(2, 1), "end: expected 3 workloads, got 2"],
  ["of another version", (lines) => ['{"version":2}', ...lines.slice(1)], "of version 1, got 2"],
  [
    "with a field more",
    (lines) => [lines[0]?.replace("{", '{"env":{},') ?? "", ...lines.slice(1)],
    "env: no such field",
  ],
  ["that is none", () => ["x"], "line 1: expected JSON"],
])("a snapshot %s is refused", async (_, change, why) => {
  const lines = (await record(await start())).map((line) => JSON.stringify(line));
  expect(() => readSnapshot(change(lines), "the snapshot")).toThrow(why);
});
