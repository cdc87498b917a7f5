/** Drain, scale-up and rollback under a fresh deny rule: what is on record passes until the rule's date, and not after. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  definePolicy,
  deny,
  findings,
  runningSchema,
  states,
  type Policy,
  type RunningDigests,
} from "@gatehouse/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { apply, kubectl, podsOf, rolledOut } from "../cluster/testing/kubernetes.ts";
import { clean, finding, report, reports, vulnerable } from "../gate/reports.ts";
import { startWorld, type World } from "../gate/world.ts";
import { workload } from "../gate/workloads.ts";
import { gatehouse } from "./cli.ts";

/** Another vulnerable one, which does not run when the digests are put on record. */
const later = { reference: "registry.example.com/shop/later:1", digest: `sha256:${"7".repeat(64)}` };
const digests: Readonly<Record<string, string>> = {
  [vulnerable.reference]: vulnerable.digest,
  [clean.reference]: clean.digest,
  [later.reference]: later.digest,
};

const policyUntil = (admitUntil: string): Policy =>
  definePolicy({
    rules: {
      "no-criticals": deny({
        description: "Criticals do not ship",
        when: findings({ minSeverity: "critical" }),
        onScan: states.audit,
        running: { admitUntil },
      }),
    },
    defaultRule: false,
  });
const day = 86_400_000;
const future = new Date(Date.now() + 30 * day).toISOString();
/** How long after the start of its roll-out the last policy's date is: long enough to see it pass. */
const graceMs = 75_000;

let world: World;
let folder: string;

const up = (policy: Policy, mode: "audit" | "deny", running?: RunningDigests) =>
  world.up({
    policy,
    mode,
    files: { reports: { ...reports, "later.json": report(later, [finding]) } },
    ...(running === undefined ? {} : { running }),
  });

const deployment = (name: string, image: string, replicas = 1, namespace = "default") =>
  workload("Deployment", name, image, { namespace, spec: { replicas } });

/** Names of the ready Pods of an app. */
async function ready(app: string): Promise<string[]> {
  const pods = await podsOf(world.cluster, app);
  return pods
    .filter(
      ({ status, metadata }) => status?.phase === "Running" && metadata?.deletionTimestamp === undefined,
    )
    .map(({ metadata }) => metadata?.name ?? "");
}

async function hasReady(app: string, count: number): Promise<void> {
  await eventually(async () => expect(await ready(app)).toHaveLength(count), 120);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "running-"));
  world = await startWorld({ resolveImage: (reference) => digests[reference] ?? `sha256:${"f".repeat(64)}` });
  await up(policyUntil(future), "audit");
  await apply(world.cluster, { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } });
  await apply(world.cluster, deployment("api", vulnerable.reference));
  await apply(world.cluster, deployment("web", clean.reference));
  await hasReady("api", 1);
  await hasReady("web", 1);
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

let onRecord: RunningDigests = [];

test("the command line writes what runs, or what of it a rule would deny, as a Gate takes it", async () => {
  const policy = join(folder, "policy.json");
  await writeFile(policy, JSON.stringify(policyUntil(future)));
  const entry = {
    namespace: "default",
    repository: "registry.example.com/shop/api",
    digests: [vulnerable.digest],
  };
  const read = async (...args: string[]) =>
    await eventually(async () => {
      const { status, out, notes } = await gatehouse(world.cluster, "running", ...args);
      if (status !== 0) throw new Error(notes);
      const digests = runningSchema.parse(JSON.parse(out));
      expect(digests.length).toBeGreaterThan(0);
      return digests;
    }, 180);
  expect(await read()).toEqual([
    entry,
    { namespace: "default", repository: "registry.example.com/shop/web", digests: [clean.digest] },
  ]);
  onRecord = await read("--policy", policy, "--rule", "no-criticals");
  expect(onRecord).toEqual([entry]);
  const wrong = await gatehouse(world.cluster, "running", "--policy", policy, "--rule", "nothing");
  const said = "the policy has no rule nothing; it has no-criticals";
  expect([wrong.status, wrong.notes.includes(said)]).toEqual([3, true]);
});

test("until the date: drain, scale-up and rollback pass, with all gates restarted in between", async () => {
  await up(policyUntil(future), "deny", onRecord);
  // Scale-up.
  await kubectl(world.cluster, "scale", "deployment/api", "--replicas=2");
  await hasReady("api", 2);
  // All gates begin anew, at once.
  await kubectl(world.cluster, "delete", "pods", "-n", "gatehouse", "--all", "--wait=true");
  const deployments = await kubectl(world.cluster, "get", "deployments", "-n", "gatehouse", "-o", "name");
  for (const name of deployments.trim().split("\n"))
    await kubectl(world.cluster, "rollout", "status", name, "-n", "gatehouse", "--timeout=180s");
  // Drain: all Pods of a node, gates among them, are evicted and come back elsewhere.
  const before = await podsOf(world.cluster, "api");
  const node = before[0]?.spec?.nodeName ?? "";
  const victims = before.filter(({ spec }) => spec?.nodeName === node).map(({ metadata }) => metadata?.name);
  const options = ["--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=180s"];
  const drained = await kubectl(world.cluster, "drain", node, ...options);
  for (const name of victims) expect(drained).toContain(`pod/${name} evicted`);
  await hasReady("api", 2);
  const after = await podsOf(world.cluster, "api");
  expect(after.filter(({ spec }) => spec?.nodeName === node)).toEqual([]);
  const stayed = (pods: typeof before) =>
    pods.map(({ metadata }) => metadata?.name).filter((name) => !victims.includes(name));
  expect(stayed(after)).toEqual(expect.arrayContaining(stayed(before)));
  await kubectl(world.cluster, "uncordon", node);
  // Rollback: to the clean image and back to what is on record.
  await kubectl(world.cluster, "set", "image", "deployment/api", `app=${clean.reference}`);
  await rolledOut(world.cluster, "api", 120);
  await kubectl(world.cluster, "rollout", "undo", "deployment/api");
  await rolledOut(world.cluster, "api", 120);
});

test("until the date, what is not on record is denied: another image, and the same one elsewhere", async () => {
  const other = await world.create(deployment("later", later.reference), "--dry-run=server");
  expect([other.code, other.stderr.includes("Gatehouse denied Deployment default/later")]).toEqual([1, true]);
  const elsewhere = await world.create(
    deployment("api", vulnerable.reference, 1, "other"),
    "--dry-run=server",
  );
  expect([elsewhere.code, elsewhere.stderr.includes("Gatehouse denied Deployment other/api")]).toEqual([
    1,
    true,
  ]);
});

test("the moment the date passes, what is on record is denied like everything else; what runs goes on", async () => {
  const date = Date.now() + graceMs;
  await up(policyUntil(new Date(date).toISOString()), "deny", onRecord);
  const denied = { before: new Set<boolean>(), after: new Set<boolean>() };
  while (Date.now() < date + 5_000) {
    const asked = Date.now();
    const { code, stderr } = await world.create(
      deployment("api-2", vulnerable.reference),
      "--dry-run=server",
    );
    if (code !== 0) expect(stderr).toContain("Gatehouse denied Deployment default/api-2");
    if (Date.now() < date) denied.before.add(code !== 0);
    else if (asked > date) denied.after.add(code !== 0);
    await sleep(500);
  }
  expect(denied).toEqual({ before: new Set([false]), after: new Set([true]) });
  await hasReady("api", 2);
  await kubectl(world.cluster, "scale", "deployment/api", "--replicas=3");
  const why = await eventually(async () => {
    const text = await kubectl(
      world.cluster,
      "get",
      "replicasets",
      "-l",
      "app=api",
      "-o",
      "jsonpath={.items[*].status.conditions[*].message}",
    );
    expect(text).toContain("Gatehouse denied Pod default/api-");
    return text;
  }, 120);
  expect(why).toContain(vulnerable.digest);
  expect(await ready("api")).toHaveLength(2);
});
