/** What brings a workload to be judged again, and what comes of it. */
import { resources } from "@gatehouse/kube";
import { definePolicy, deny, exempt, findings, states } from "@gatehouse/policy";
import { afterEach, expect, test } from "vitest";
import { critical, scanned } from "../testing/fixtures.ts";
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

const start = async (change: Parameters<typeof observedCluster>[0]) => {
  cluster = await observedCluster(change);
  return cluster;
};

const namespace = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});

const rule = {
  description: "Criticals do not ship",
  when: findings({ minSeverity: "critical" }),
  onScan: states.audit,
};

/** `owner aspect verdict` of everything. */
const verdicts = ({ observation }: ObservedCluster) =>
  [...observation.background.values()]
    .flatMap(({ subjects, written, running }) => [
      ...(written === undefined ? [] : [`${subjects.owner} written ${written.action}`]),
      ...(running === undefined ? [] : [`${subjects.owner} running ${running.action}`]),
    ])
    .toSorted();

/** What the events say: `subject aspect was action`. */
const told = ({ lines }: ObservedCluster) =>
  lines.map((line) => {
    const { subject, data } = JSON.parse(line) as {
      subject: string;
      data: { aspect: string; was: { action: string }; action: string };
    };
    return `${subject} ${data.aspect} ${data.was.action} ${data.action}`;
  });

/** Waits until a condition holds: a watch takes a moment. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a namespace's labels", async () => {
  const observed = await start({
    objects: [
      namespace("shop", { tier: "lab" }),
      templated("Deployment", "shop/web", "registry.example/bad:1"),
    ],
    policy: definePolicy({
      rules: { strict: deny({ ...rule, except: { namespace: { labels: { tier: "lab" } } } }) },
      defaultRule: false,
    }),
  });
  expect(verdicts(observed)).toEqual(["shop/Deployment/web written allow"]);
  observed.api.put(namespace("shop", { tier: "prod" }));
  await until(() => observed.lines.length > 0);
  expect(told(observed)).toEqual(["shop/Deployment/web written allow deny"]);
});

test("the end of an exemption, and no moment before it", async () => {
  const observed = await start({
    objects: [namespace("shop"), templated("Deployment", "shop/web", "registry.example/bad:1")],
    policy: definePolicy({
      rules: { strict: deny(rule) },
      exemptions: {
        e: exempt({ cves: ["CVE-2026-0001"], reason: "r", owner: "o", until: "2026-11-22T15:00:00Z" }),
      },
      defaultRule: false,
    }),
  });
  observed.clock.now = Date.parse("2026-11-22T14:59:59Z");
  observed.observation.tick();
  await observed.settled();
  expect(told(observed)).toEqual([]);
  observed.clock.now = Date.parse("2026-11-22T15:00:00Z");
  observed.observation.tick();
  await observed.settled();
  expect(told(observed)).toEqual(["shop/Deployment/web written allow deny"]);
});

test("another image, a workload that goes, and one that comes", async () => {
  const observed = await start({
    objects: [namespace("shop"), templated("Deployment", "shop/web", "registry.example/clean:1")],
  });
  observed.api.put(templated("Deployment", "shop/web", "registry.example/bad:1") as never);
  observed.api.put(templated("CronJob", "shop/nightly", "registry.example/bad:1") as never);
  await until(() => verdicts(observed).length === 2 && observed.lines.length > 0);
  expect(verdicts(observed)).toEqual([
    "shop/CronJob/nightly written deny",
    "shop/Deployment/web written deny",
  ]);
  // What is seen for the first time has no verdict that could have changed.
  expect(told(observed)).toEqual(["shop/Deployment/web written allow deny"]);
  const kube = observed.api.kube();
  await kube.delete(resources.deployments, { namespace: "shop", name: "web" });
  await until(() => verdicts(observed).length === 1);
  expect(observed.observation.reports.size).toBe(1);
});

test("a tag beside a digest is looked up by itself where the policy goes by tags", async () => {
  const policy = definePolicy({
    defaultRule: false,
    rules: { strict: deny(rule) },
    exemptions: {
      known: exempt({
        where: { image: "registry.example/bad:1" },
        reason: "r",
        owner: "o",
        permanent: true,
      }),
    },
  });
  const other = `sha256:${"e".repeat(64)}`;
  const observed = await start({
    policy,
    objects: [
      namespace("shop"),
      templated("Deployment", "shop/its-own", `registry.example/bad:1@${badDigest}`),
      templated("Deployment", "shop/another", `registry.example/bad:1@${other}`),
    ],
    lookUp: (reference) => {
      const digest = reference.includes(other) ? other : badDigest;
      return Promise.resolve({ ...scanned([critical]), digest });
    },
  });
  expect(verdicts(observed)).toEqual([
    "shop/Deployment/another written deny",
    "shop/Deployment/its-own written allow",
  ]);
});

test("a Pod that starts to run what is bad, though its owner says what is clean", async () => {
  const owner = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    name: "db",
    uid: "StatefulSet-shop-db",
    controller: true,
  };
  const observed = await start({
    objects: [
      namespace("shop"),
      templated("StatefulSet", "shop/db", "registry.example/clean:1"),
      runningPod("shop/db-0", "registry.example/clean:1", { owner }),
    ],
  });
  expect(verdicts(observed)).toEqual(["shop/StatefulSet/db written allow"]);
  const imageId = `registry.example/clean@${badDigest}`;
  observed.scans.set(
    `registry.example/clean@${badDigest}`,
    observed.scans.get("registry.example/bad:1") ?? scanned([]),
  );
  observed.api.put(runningPod("shop/db-0", "registry.example/clean:1", { owner, imageId }) as never);
  await until(() => verdicts(observed).length === 2);
  expect(verdicts(observed)).toEqual([
    "shop/StatefulSet/db running deny",
    "shop/StatefulSet/db written allow",
  ]);
});

test("an update of a status is none of these", async () => {
  const observed = await start({
    objects: [namespace("shop"), templated("Deployment", "shop/web", "registry.example/clean:1")],
  });
  const before = [...observed.observation.background.values()][0];
  observed.api.put({
    ...templated("Deployment", "shop/web", "registry.example/clean:1"),
    status: { readyReplicas: 3 },
  } as never);
  observed.api.put(templated("Deployment", "shop/other", "registry.example/clean:1") as never);
  await until(() => observed.observation.background.size === 2);
  expect([...observed.observation.background.values()][0]).toBe(before);
});
