/** The impact names exactly those that the gate then denies; asked by the command line, on a real control plane. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKube, type Kube, type KubeObject } from "@gatehouse/kube";
import { fromKubeconfig } from "@gatehouse/kube/kubeconfig";
import {
  definePolicy,
  deny,
  exempt,
  findings,
  states,
  type Impact,
  type Mode,
  type Policy,
} from "@gatehouse/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { startWorld, type World } from "../gate/world.ts";
import { gatehouse } from "./cli.ts";
import { createFleet, deniedOwners, digestThatRuns, fleet, fleetReports, recreate } from "./fleet.ts";

const strict: Policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals do not ship",
      except: { namespace: { labels: { tier: "lab" } } },
      when: findings({ minSeverity: "critical" }),
      onScan: { ...states.audit, absent: "deny" },
    }),
    "web-is-strict": deny({
      description: "What faces the web has no highs",
      where: { labels: { tier: "web" } },
      when: findings({ minSeverity: "high" }),
      onScan: states.audit,
    }),
  },
  defaultRule: false,
});

/** The same, with something taken out by exemption and by VEX. */
const excused: Policy = {
  ...strict,
  exemptions: {
    "by-workload": exempt({
      where: { workload: { kind: "StatefulSet" }, repository: "team/*" },
      cves: ["CVE-2026-0001"],
      reason: "unreachable",
      owner: "team",
      permanent: true,
    }),
    "by-namespace": exempt({
      where: { namespace: "team-7" },
      rules: ["no-criticals"],
      reason: "being moved",
      owner: "team",
      permanent: true,
    }),
  },
  vex: [
    {
      vulnerability: "CVE-2026-0001",
      status: "not_affected",
      products: [{ repository: "registry.example.com/other/critical" }],
      document: "vex-1",
    },
  ],
};

const objects = fleet();
let world: World;
let kube: Kube;
let made: KubeObject[];
let folder: string;

const up = (policy: Policy, mode: Mode) =>
  world.up({
    policy,
    mode,
    files: { reports: { ...fleetReports } },
  });

/** What the command line says that a change would do. */
async function preview(policy: Policy, mode: Mode): Promise<Impact> {
  const file = join(folder, "policy.json");
  await writeFile(file, JSON.stringify(policy));
  return await eventually(async () => {
    const { status, out, notes } = await gatehouse(
      world.cluster,
      "preview",
      "--policy",
      file,
      "--mode",
      mode,
      "--output",
      "json",
    );
    if (status !== 0) throw new Error(notes);
    const impact = JSON.parse(out) as Impact;
    // The lease of the observer before has to end, and the new one has to read the cluster.
    expect(impact.workloads).toBe(objects.length);
    return impact;
  }, 180);
}

const owners = (entries: readonly { owner: string }[]) => entries.map(({ owner }) => owner).toSorted();
const without = (all: readonly string[], others: readonly string[]) =>
  all.filter((owner) => !others.includes(owner));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "preview-"));
  world = await startWorld({ resolveImage: digestThatRuns });
  kube = createKube(await fromKubeconfig({ path: world.cluster.kubeconfig }), { timeoutMs: 60_000 });
  await up(excused, "audit");
  made = await createFleet(kube, objects);
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("from audit to deny, then without exemptions and VEX, then with them again", async () => {
  let denied: string[] = [];
  const steps: readonly [string, Policy][] = [
    ["from audit to deny", excused],
    ["without exemptions and VEX", strict],
    ["with them again", excused],
  ];
  for (const [what, policy] of steps) {
    const impact = await preview(policy, "deny");
    await up(policy, "deny");
    const after = await deniedOwners(kube, objects, made);
    const expected = {
      newlyDenied: without(after, denied),
      newlyAdmitted: without(denied, after),
      stillDenied: after.length - without(after, denied).length,
    };
    expect(
      {
        newlyDenied: owners(impact.newlyDenied),
        newlyAdmitted: owners(impact.newlyAdmitted),
        stillDenied: impact.stillDenied,
      },
      what,
    ).toEqual(expected);
    expect(expected.newlyDenied.length + expected.newlyAdmitted.length, what).toBeGreaterThan(0);
    denied = after;
  }
  expect([denied.length > 50, denied.length < 250]).toEqual([true, true]);
});

test("whose tag has moved is denied by what it names now, and violates by what runs", async () => {
  const impact = await preview(strict, "audit");
  const violating = impact.violatesNow.flatMap(({ images }) => images.map(({ reference }) => reference));
  expect(violating.some((reference) => reference.startsWith("registry.example.com/team/mended@"))).toBe(true);
  expect(violating.some((reference) => reference.startsWith("registry.example.com/team/broken@"))).toBe(
    false,
  );
});

test("each that was listed is denied when it is really created again, and every other one is made", async () => {
  const expected = await deniedOwners(kube, objects, made);
  const denied = await recreate(kube, objects);
  // Those whose Pods alone are denied can be created themselves.
  expect(without(denied, expected)).toEqual([]);
  const onlyPods = without(expected, denied);
  for (const owner of onlyPods) {
    const object = objects.find(
      ({ kind, metadata }) =>
        owner ===
        `${(metadata as { namespace: string }).namespace}/${String(kind)}/${(metadata as { name: string }).name}`,
    );
    const metadata = object?.["metadata"] as { labels: Record<string, string> } | undefined;
    expect([owner, metadata?.labels["app"] !== undefined, metadata?.labels["tier"]]).toEqual([
      owner,
      true,
      undefined,
    ]);
  }
});
