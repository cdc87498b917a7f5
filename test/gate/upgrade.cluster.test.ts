/** From the package before the last change to this one: a new gate takes over from one that was published. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as gate from "@gatehouse/gate";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { get } from "../cluster/testing/kubernetes.ts";
import { packPrevious, type PackedCommit } from "../pack/previous.ts";
import { inventory } from "./inventory.ts";
import { startLoad } from "./load.ts";
import { vulnerable } from "./reports.ts";
import { none, troubleDuring } from "./unanswered.ts";
import { gateArgs, startWorld, type World } from "./world.ts";
import { workload } from "./workloads.ts";

let world: World;
let previous: PackedCommit;
/** The cluster before there was a gate. */
let before: string[];

beforeAll(async () => {
  previous = await packPrevious();
  world = await startWorld();
  before = await inventory(world.cluster);
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
  previous?.remove();
});

/** What the judges are told to run, as the arguments of each that is not on its way out. */
async function programs(): Promise<string[]> {
  const selector = "--selector=app.kubernetes.io/component=judge";
  const { items } = await get<{ items: Pod[] }>(world.cluster, "pods", "--namespace=gatehouse", selector);
  return items
    .filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
    .map(({ spec }) => JSON.stringify(spec?.containers.map(({ args }) => args)));
}

test("install of the package before: it denies, and no creation fails on the way there", async () => {
  const published = (await previous.import("gate")) as typeof gate;
  // With its own parts, not those that were built here.
  expect(
    await troubleDuring(
      world,
      world.stack.up(() => new published.Gate("gate", gateArgs())),
    ),
  ).toEqual(none);
  const refused = await world.create(workload("Deployment", "refused", vulnerable.reference));
  expect(refused.stderr).toContain("Gatehouse denied Deployment default/refused");
});

test("upgrade to this one under load: no request fails, no verdict bends", async () => {
  const load = startLoad(world.cluster, 10);
  expect(await troubleDuring(world, world.up())).toEqual(none);
  const creations = await load.stop();
  process.stderr.write(`upgrade from ${previous.commit.slice(0, 12)}: ${creations.length} creations\n`);
  expect(creations.filter(({ failure }) => failure !== undefined)).toEqual([]);
  const verdicts = new Set(creations.map(({ image, status }) => `${image} ${status}`));
  expect(verdicts.size).toBe(2);
  expect(verdicts).toContain(`${vulnerable.reference} 400`);
  expect(await world.stack.diff()).toBe("");
  const built = createHash("sha256")
    .update(readFileSync(join(world.bundles, "judge.mjs")))
    .digest("hex");
  const running = await programs();
  expect(running.map((program) => program.includes(built))).toEqual([true, true]);
});

test("destroy: no creation fails, and nothing is left of either", async () => {
  await world.cluster.kubectl(["delete", "podtemplates", "--all"]);
  expect(await troubleDuring(world, world.stack.destroy())).toEqual(none);
  expect(await inventory(world.cluster)).toEqual(before);
});
