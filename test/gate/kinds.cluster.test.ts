/** Every way in which an image gets into a cluster, and every update that must not wait for the gate. */
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { apply, get, kubectl } from "../cluster/testing/kubernetes.ts";
import { admissionEvents } from "./events.ts";
import { clean, cleanToo, unscanned, vulnerable } from "./reports.ts";
import { startWorld, type World } from "./world.ts";
import { workload, workloadKinds } from "./workloads.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
  // Deployed before there was a gate: what its history holds has never been judged.
  await apply(world.cluster, workload("Deployment", "before", vulnerable.reference));
  await world.up();
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
});

const nothingSaid = (said: { code: number; stderr: string }) =>
  expect({ code: said.code, stderr: said.stderr }).toEqual({ code: 0, stderr: "" });

function refused(said: { code: number; stderr: string }, code: string, where: string): void {
  expect(said.code).toBe(1);
  // An image that cannot be pinned is refused where it would be pinned.
  expect(said.stderr).toMatch(/admission webhook "(validate|pin)\.gatehouse\.dev" denied the request/);
  expect(said.stderr).toContain(`[${code}]`);
  expect(said.stderr).toContain(`  In: ${where}`);
}

const lower = (text: string) => text.toLowerCase();
const places: Readonly<Record<string, string>> = {
  Pod: "spec.containers[0].image",
  PodTemplate: "template.spec.containers[0].image",
  CronJob: "spec.jobTemplate.spec.template.spec.containers[0].image",
};

test.each(workloadKinds)("%s: refused with findings or without a scan, created when clean", async (kind) => {
  const where = `container app at ${places[kind] ?? "spec.template.spec.containers[0].image"}`;
  const name = `kind-${lower(kind)}`;
  refused(await world.create(workload(kind, name, vulnerable.reference)), "GH1001", where);
  refused(await world.create(workload(kind, name, unscanned.reference)), "GH1015", where);
  nothingSaid(await world.create(workload(kind, name, clean.reference)));
});

test("init containers and image volumes are judged, and pinned in Pods", async () => {
  const withParts = (name: string, init: string, volume: string) =>
    workload("Pod", name, clean.reference, {
      podSpec: {
        initContainers: [{ name: "first", image: init }],
        volumes: [{ name: "data", image: { reference: volume } }],
      },
    });
  refused(
    await world.create(withParts("parts", vulnerable.reference, clean.reference)),
    "GH1001",
    "init container first at spec.initContainers[0].image",
  );
  refused(
    await world.create(withParts("parts", clean.reference, vulnerable.reference)),
    "GH1001",
    "image volume data at spec.volumes[0].image.reference",
  );
  nothingSaid(await world.create(withParts("parts", clean.reference, cleanToo.reference)));
  const { spec } = await get<Pod>(world.cluster, "pod", "parts");
  const volume = spec?.volumes?.[0] as { image?: { reference: string } } | undefined;
  expect([spec?.initContainers?.[0]?.image, spec?.containers[0]?.image, volume?.image?.reference]).toEqual([
    `${clean.reference}@${clean.digest}`,
    `${clean.reference}@${clean.digest}`,
    `${cleanToo.reference}@${cleanToo.digest}`,
  ]);
});

test("what is put into a running Pod is judged and pinned: kubectl debug, kubectl set image", async () => {
  nothingSaid(await world.create(workload("Pod", "debugged", clean.reference)));
  const debug = (image: string) =>
    world.cluster.kubectl(["debug", "debugged", `--image=${image}`, "--container=probe", "--attach=false"]);
  refused(
    await debug(vulnerable.reference),
    "GH1001",
    "ephemeral container probe at spec.ephemeralContainers[0].image",
  );
  expect(await debug(cleanToo.reference)).toMatchObject({ code: 0 });
  const setImage = (image: string) => world.cluster.kubectl(["set", "image", "pod/debugged", `app=${image}`]);
  refused(await setImage(vulnerable.reference), "GH1001", "container app at spec.containers[0].image");
  expect(await setImage(cleanToo.reference)).toMatchObject({ code: 0, stderr: "" });
  const { spec } = await get<Pod>(world.cluster, "pod", "debugged");
  const pinned = `${cleanToo.reference}@${cleanToo.digest}`;
  expect([spec?.ephemeralContainers, spec?.containers].map((all) => all?.map(({ image }) => image))).toEqual([
    [pinned],
    [pinned],
  ]);
});

test("kubectl set image and rollout undo: the image that comes is judged, whatever ran once", async () => {
  const setImage = (image: string) =>
    world.cluster.kubectl(["set", "image", "deployment/before", `app=${image}`]);
  expect(await setImage(clean.reference)).toMatchObject({ code: 0, stderr: "" });
  refused(
    await setImage(unscanned.reference),
    "GH1015",
    "container app at spec.template.spec.containers[0].image",
  );
  expect(await setImage(cleanToo.reference)).toMatchObject({ code: 0, stderr: "" });
  const undo = (revision: number) =>
    world.cluster.kubectl(["rollout", "undo", "deployment/before", `--to-revision=${revision}`]);
  // The controller numbers revisions a little later.
  await eventually(async () => expect(await undo(2)).toMatchObject({ code: 0, stderr: "" }));
  refused(await undo(1), "GH1001", "container app at spec.template.spec.containers[0].image");
});

test("a dry run has the same verdict and no event", async () => {
  const dry = (name: string, image: string) =>
    world.create(workload("Deployment", name, image), "--dry-run=server");
  refused(
    await dry("dry-bad", vulnerable.reference),
    "GH1001",
    "container app at spec.template.spec.containers[0].image",
  );
  nothingSaid(await dry("dry-good", clean.reference));
  nothingSaid(await world.create(workload("PodTemplate", "after-dry", clean.reference)));
  const named = await eventually(async () => {
    const names = (await admissionEvents(world.cluster)).map(({ data }) => data.object.name);
    expect(names).toContain("after-dry");
    return names;
  });
  expect(named.filter((name) => name.startsWith("dry-"))).toEqual([]);
});

test("generateName: judged under the name that the API server chose", async () => {
  const generated = (image: string) =>
    workload("Pod", "generated", image, { metadata: { name: undefined, generateName: "some-" } });
  const said = await world.create(generated(vulnerable.reference));
  refused(said, "GH1001", "container app at spec.containers[0].image");
  expect(said.stderr).toMatch(/Gatehouse denied Pod default\/some-\w+ \[GH1001\]/);
  const made = await world.create(generated(clean.reference));
  expect(made.stdout).toMatch(/^pod\/some-\w+ created\n$/);
});

test("a List: each object has its own verdict", async () => {
  const items = [
    workload("Pod", "list-1", clean.reference),
    workload("Deployment", "list-2", vulnerable.reference),
    workload("Job", "list-3", cleanToo.reference),
  ];
  const said = await world.create({ apiVersion: "v1", kind: "List", items });
  expect(said.stdout).toBe("pod/list-1 created\njob.batch/list-3 created\n");
  refused(said, "GH1001", "container app at spec.template.spec.containers[0].image");
});

describe("what adds no image never waits for the gate, also when it is down", () => {
  beforeAll(async () => {
    await kubectl(world.cluster, "scale", "-n", "gatehouse", "--replicas=0", "deployment", "--all");
    await eventually(async () => {
      const { stderr } = await world.create(workload("Pod", "down", clean.reference));
      expect(stderr).toMatch(/failed calling webhook "(pin|validate)\.gatehouse\.dev"/);
      expect(await kubectl(world.cluster, "get", "pods", "-n", "gatehouse", "-o", "name")).toBe("");
    });
  });

  afterAll(async () => {
    await kubectl(world.cluster, "scale", "-n", "gatehouse", "--replicas=2", "deployment", "--all");
  });

  test.each(["Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"])(
    "%s: scale",
    async (kind) => {
      await kubectl(world.cluster, "scale", lower(kind), `kind-${lower(kind)}`, "--replicas=3");
    },
  );

  test.each(workloadKinds)("%s: labels, finalizers, deletion", async (kind) => {
    const name = `kind-${lower(kind)}`;
    await kubectl(world.cluster, "label", lower(kind), name, "team=shop");
    const finalizers = async (list: string[]) => {
      const patch = JSON.stringify({ metadata: { finalizers: list } });
      await kubectl(world.cluster, "patch", lower(kind), name, "--type=merge", "-p", patch);
    };
    await finalizers(["gatehouse.example/held"]);
    await kubectl(world.cluster, "delete", lower(kind), name, "--wait=false");
    await finalizers([]);
    await eventually(async () => {
      const { stderr } = await world.cluster.kubectl(["get", lower(kind), name]);
      expect(stderr).toContain("NotFound");
    });
  });

  test("and nothing that it would have had to judge came in", async () => {
    for (const [index, kind] of workloadKinds.entries()) {
      const said = await world.create(workload(kind, `down-${index}`, clean.reference));
      expect(said.code).toBe(1);
      expect(said.stderr).toMatch(/failed calling webhook "(pin|validate)\.gatehouse\.dev"/);
    }
  });
});
