/** A gate's life: nobody is asked before somebody answers, nothing is left when it is gone, and there is one only. */
import { Gate, GateMode, type GateArgs } from "@gatehouse/gate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inventory } from "./inventory.ts";
import { vulnerable } from "./reports.ts";
import { none, troubleDuring } from "./unanswered.ts";
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

const up = (change: Partial<GateArgs> = {}, on = stack) =>
  on.up(
    () =>
      new Gate("gate", gateArgs({ kubeconfig: world.cluster.kubeconfig, bundles: world.bundles, ...change })),
  );

let before: string[];

test("install: no creation fails on the way from no gate to one that denies", async () => {
  before = await inventory(world.cluster);
  expect(await troubleDuring(world, up())).toEqual(none);
  const added = (await inventory(world.cluster)).filter((name) => !before.includes(name));
  expect(added.filter((name) => name.includes("webhookconfiguration"))).toEqual([
    "mutatingwebhookconfiguration.admissionregistration.k8s.io/gatehouse-pin",
    "validatingwebhookconfiguration.admissionregistration.k8s.io/gatehouse",
  ]);
  const refused = await world.create(workload("Deployment", "refused", vulnerable.reference));
  expect(refused.stderr).toContain("[GH1001]");
});

test("the same program again changes nothing", async () => {
  const names = await inventory(world.cluster);
  await up();
  expect(await inventory(world.cluster)).toEqual(names);
  expect(await stack.diff()).toBe("");
});

test("a second Gate is refused before anything of it is made", async () => {
  const names = await inventory(world.cluster);
  const second = createStack(world.cluster, { name: "other", hooks: true });
  await expect(up({ namespace: "second", mode: GateMode.Audit }, second)).rejects.toThrow(
    "the cluster has a gate already, of Pulumi stack gatehouse/test/gate",
  );
  expect(await inventory(world.cluster)).toEqual(names);
});

test("destroy: no creation fails, and nothing is left", async () => {
  expect(await troubleDuring(world, stack.destroy())).toEqual(none);
  expect(await inventory(world.cluster)).toEqual(before);
  expect((await world.create(workload("Pod", "free", vulnerable.reference))).stderr).toBe("");
});
