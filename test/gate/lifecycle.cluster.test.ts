/** A gate's life: nobody is asked before somebody answers, nothing is left when it is gone, and there is one only. */
import { setTimeout as sleep } from "node:timers/promises";
import { Gate, GateMode, type GateArgs } from "@gatehouse/gate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kubectl } from "../cluster/testing/kubernetes.ts";
import { clean, vulnerable } from "./reports.ts";
import { createStack, type Stack } from "./up.ts";
import { gateArgs, startWorld, type World } from "./world.ts";
import { workload } from "./workloads.ts";

let world: World;
let stack: Stack;

beforeAll(async () => {
  world = await startWorld();
  stack = createStack(world.cluster, { hooks: true });
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
});

/** Every object of the cluster, but for those that come and go by themselves. */
async function inventory(): Promise<string[]> {
  const kinds = await kubectl(world.cluster, "api-resources", "--verbs=list", "-o", "name");
  const passing = /^(events|leases|endpoints|endpointslices|nodes|pods|replicasets)(\.|$)/;
  const wanted = kinds.split("\n").filter((kind) => kind !== "" && !passing.test(kind));
  const listed = await kubectl(world.cluster, "get", wanted.join(","), "-A", "-o", "name");
  return listed.split("\n").filter(Boolean).sort();
}

/** Creates again and again until `during` has ended, and returns what was said of creations that failed. */
async function failuresDuring(during: Promise<void>): Promise<string[]> {
  const failures: string[] = [];
  const ended = new AbortController();
  const done = during.finally(() => ended.abort());
  for (let number = 0; !ended.signal.aborted; number++) {
    const probe = workload("PodTemplate", `probe-${number}`, clean.reference);
    const said = await world.create(probe, "--dry-run=server");
    if (said.code !== 0) failures.push(said.stderr);
    await sleep(100);
  }
  await done;
  return failures;
}

const up = (change: Partial<GateArgs> = {}, on = stack) =>
  on.up(() => new Gate("gate", gateArgs({ kubeconfig: world.cluster.kubeconfig, ...change })));

let before: string[];

test("install: no creation fails on the way from no gate to one that denies", async () => {
  before = await inventory();
  expect(await failuresDuring(up())).toEqual([]);
  const added = (await inventory()).filter((name) => !before.includes(name));
  expect(added.filter((name) => name.includes("webhookconfiguration"))).toEqual([
    "mutatingwebhookconfiguration.admissionregistration.k8s.io/gatehouse-pin",
    "validatingwebhookconfiguration.admissionregistration.k8s.io/gatehouse",
  ]);
  const refused = await world.create(workload("Deployment", "refused", vulnerable.reference));
  expect(refused.stderr).toContain("[GH1001]");
});

test("the same program again changes nothing", async () => {
  const names = await inventory();
  await up();
  expect(await inventory()).toEqual(names);
  expect(await stack.diff()).toBe("");
});

test("a second Gate is refused before anything of it is made", async () => {
  const names = await inventory();
  const second = createStack(world.cluster, { name: "other", hooks: true });
  await expect(up({ namespace: "second", mode: GateMode.Audit }, second)).rejects.toThrow(
    "the cluster has a gate already, of Pulumi stack gatehouse/test/gate",
  );
  expect(await inventory()).toEqual(names);
});

test("destroy: no creation fails, and nothing is left", async () => {
  expect(await failuresDuring(stack.destroy())).toEqual([]);
  expect(await inventory()).toEqual(before);
  expect((await world.create(workload("Pod", "free", vulnerable.reference))).stderr).toBe("");
});
