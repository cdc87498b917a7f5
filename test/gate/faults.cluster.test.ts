/** Whatever is broken about the next gate, the last good one serves, and `up` says what is wrong. */
import { brotliCompressSync } from "node:zlib";
import { GateMode } from "@gatehouse/gate";
import { exempt, type AdmissionEvent, type Policy } from "@gatehouse/policy";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { get, kubectl } from "../cluster/testing/kubernetes.ts";
import { admissionEvents } from "./events.ts";
import { clean, vulnerable } from "./reports.ts";
import { startWorld, strictPolicy, type World } from "./world.ts";
import { workload } from "./workloads.ts";

interface Stored {
  kind: string;
  metadata: Record<string, unknown> & { name: string; namespace?: string };
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

let world: World;
let updates = 0;

beforeAll(async () => {
  world = await startWorld();
  await world.up();
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
});

/** An update that replaces the Pods: nothing about the gate but their labels is new. */
const rollOut = () => world.up({ podLabels: { update: String(++updates) } });

async function lastGoodServes(): Promise<void> {
  const refused = await world.create(workload("Deployment", "bad", vulnerable.reference), "--dry-run=server");
  expect(refused.stderr).toContain("Rule no-criticals: Criticals do not ship [GH1001]");
  const admitted = await world.create(workload("Deployment", "good", clean.reference), "--dry-run=server");
  expect(admitted).toMatchObject({ code: 0, stderr: "" });
}

/** The one object of the gate of a kind whose name begins so. */
async function stored(kind: string, prefix: string): Promise<Stored> {
  const { items } = await get<{ items: Stored[] }>(world.cluster, kind, "--namespace=gatehouse");
  const found = items.filter(({ metadata }) => metadata.name.startsWith(prefix));
  expect(found.map(({ metadata }) => metadata.name)).toHaveLength(1);
  return found[0] as Stored;
}

/** Puts an object in place of the one of its name, immutable or not. */
async function replace(object: Stored): Promise<void> {
  const { uid: _, resourceVersion: __, managedFields: ___, ...metadata } = object.metadata;
  await remove(object);
  expect(await world.create({ ...object, metadata })).toMatchObject({ code: 0 });
}

async function remove({ kind, metadata: { name, namespace } }: Stored): Promise<void> {
  const where = namespace === undefined ? [] : [`--namespace=${namespace}`];
  await kubectl(world.cluster, "delete", kind.toLowerCase(), name, ...where);
}

/** Runs `during` while `object` is another or gone, and puts it back. */
async function tampered(object: Stored, change: Partial<Stored> | "gone", during: () => Promise<void>) {
  await (change === "gone" ? remove(object) : replace({ ...object, ...change }));
  try {
    await during();
  } finally {
    if (change === "gone") {
      const { uid: _, resourceVersion: __, managedFields: ___, ...metadata } = object.metadata;
      expect(await world.create({ ...object, metadata })).toMatchObject({ code: 0 });
    } else await replace(object);
  }
}

beforeEach(lastGoodServes);

/** What the gate has in the cluster. */
const everything = () =>
  kubectl(world.cluster, "get", "all,configmaps,secrets", "-n", "gatehouse", "-o", "name");

test("a policy that is none is refused before anything is touched", async () => {
  const before = await everything();
  const misspelt = { ...strictPolicy(), rules: { broken: { action: "refuse" } } } as unknown as Policy;
  await expect(world.up({ policy: misspelt })).rejects.toThrow("policy.rules.broken");
  expect(await everything()).toBe(before);
  await lastGoodServes();
});

test("a policy that is too large for a ConfigMap is refused before anything is touched", async () => {
  const before = await everything();
  const many = Object.fromEntries(
    Array.from({ length: 6000 }, (_, index) => [
      `exemption-${index}`,
      exempt({
        reason: "x".repeat(100),
        owner: "team",
        permanent: true,
        cves: [`CVE-2026-${index}`],
        where: { repository: `shop/${index}` },
      }),
    ]),
  );
  const large: Policy = { ...strictPolicy(), exemptions: many };
  await expect(world.up({ policy: large })).rejects.toThrow("which is what a ConfigMap holds");
  expect(await everything()).toBe(before);
  await lastGoodServes();
});

test("a policy that was changed in the cluster starts no gate, and `up` says so", async () => {
  const policy = await stored("configmap", "gatehouse-policy-");
  const text = policy.data?.["policy.json"] ?? "";
  const wider = text.replace('"critical"', '"low"');
  expect(wider).not.toBe(text);
  await tampered(policy, { data: { "policy.json": wider } }, async () => {
    await expect(rollOut()).rejects.toThrow(
      /The gate does not start \[GH1111\]:\n {2}the policy \(\/gatehouse\/policy\/policy\.json\) is not what was deployed: expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}/,
    );
    await lastGoodServes();
  });
  await rollOut();
});

test("a program that was changed in the cluster is never run", async () => {
  const bundle = await stored("configmap", "gatehouse-judge-");
  const other = brotliCompressSync(Buffer.from("console.log('another program');\n")).toString("base64");
  await tampered(bundle, { binaryData: { "judge.mjs.br": other } }, async () => {
    await expect(rollOut()).rejects.toThrow(
      /the judge's program \(\/gatehouse\/bundle\/judge\.mjs\.br\) is not what was deployed/,
    );
    await lastGoodServes();
  });
  await rollOut();
});

test("a missing Secret keeps the new replicas from starting, by name", async () => {
  const secret = await stored("secret", "gate-webhook-path-");
  await tampered(secret, "gone", async () => {
    await expect(rollOut()).rejects.toThrow(`secret "${secret.metadata.name}" not found`);
    await lastGoodServes();
  });
  await rollOut();
});

let orphans = 0;

/** The event about the first Pod whose name begins so. */
async function eventOfPod(prefix: string): Promise<AdmissionEvent["data"]> {
  const events = (await admissionEvents(world.cluster)).filter(
    ({ data }) => data.object.kind === "Pod" && data.object.name.startsWith(prefix),
  );
  if (events[0] === undefined) throw new Error(`no event of a Pod ${prefix}`);
  return events[0].data;
}

test("without a right the gate judges on, and its events say what it could not read", async () => {
  const { items } = await get<{ items: (Stored & { rules: Rule[] })[] }>(world.cluster, "clusterroles");
  const role = items.find(({ metadata }) => metadata.name.startsWith("gate-judge"));
  if (role === undefined) throw new Error("no role");
  const rules = role.rules.map((rule) => ({
    ...rule,
    resources: rule.resources.filter((resource) => resource !== "replicasets"),
  }));
  const patch = async (to: readonly Rule[]) => {
    const body = JSON.stringify({ rules: to });
    await kubectl(world.cluster, "patch", "clusterrole", role.metadata.name, "--type=merge", "-p", body);
  };
  await patch(rules.filter(({ resources }) => resources.length > 0));
  try {
    // A Pod's owner is a ReplicaSet, and nobody may say who owns that. API servers hear of it a little later.
    const event = await eventually(async () => {
      const name = `orphan-${++orphans}`;
      expect(await world.create(workload("Deployment", name, clean.reference))).toMatchObject({ code: 0 });
      const told = await eventually(() => eventOfPod(`${name}-`));
      expect(told.owner.resolved).toBe(false);
      return told;
    });
    expect(event).toMatchObject({ action: "allow", mode: GateMode.Deny });
    expect(event.owner).toEqual({
      resolved: false,
      reason: expect.stringContaining("forbidden"),
    });
    await lastGoodServes();
  } finally {
    await patch(role.rules);
  }
});
