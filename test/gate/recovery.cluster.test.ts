/** Everything dies, every registry too; the gate comes back by itself, and nothing slips in before it does. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fakeRegistry } from "@gatehouse/scans/testing";
import { serve, type ServerType } from "@hono/node-server";
import type { Event } from "kubernetes-types/core/v1.d.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { apply, get, kubectl } from "../cluster/testing/kubernetes.ts";
import { report } from "./reports.ts";
import { startWorld, type World } from "./world.ts";
import { workload } from "./workloads.ts";

const host = "registry.test:5000";
const address = { host: "10.200.3.1", port: 5000 };

let world: World;
let server: ServerType;

/** An image in the registry with a scan report attached, as `host/repository:tag`. */
function pushed(registry: ReturnType<typeof fakeRegistry>, repository: string): string {
  const image = registry.pushImage(repository, { tag: "1", content: repository });
  const reference = `${host}/${repository}:1`;
  registry.attach(repository, image, {
    artifactType: "application/vnd.aquasec.trivy.report+json",
    content: report({ reference, digest: image.digest }),
  });
  return reference;
}

/** What a cluster's network and size depend on, outside of kube-system, and what depends on them. */
const deployments = { "network-system": "cni", "scaling-system": "autoscaler", shop: "web" };
const images: Record<string, string> = {};

const publish = () =>
  world.cluster.publish({
    ...address,
    name: "registry.test",
    target: (server.address() as AddressInfo).port,
  });

beforeAll(async () => {
  const registry = fakeRegistry({ host });
  server = serve({ fetch: registry.app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  for (const name of [...Object.values(deployments), "later"]) images[name] = pushed(registry, name);
  world = await startWorld();
  await publish();
  await world.up({
    files: {},
    sources: [
      { type: "referrer", name: "attached", registries: [host], plainHttp: true, allowUnsigned: true },
    ],
  });
  for (const [namespace, name] of Object.entries(deployments)) {
    await apply(world.cluster, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    await apply(world.cluster, workload("Deployment", name, images[name] ?? "", { namespace }));
    await kubectl(world.cluster, "rollout", "status", "-n", namespace, `deployment/${name}`);
  }
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
  server?.close();
});

/** How the creation of a Pod ends that cannot be judged, or not yet. */
async function attempt(name: string): Promise<string> {
  const said = await world.create(workload("Pod", name, images["later"] ?? "", { namespace: "shop" }));
  if (said.code === 0) return "admitted";
  if (said.stderr.includes("Gatehouse denied")) return "denied";
  return said.stderr.includes("failed calling webhook") ? "no answer" : said.stderr;
}

const uids = async () =>
  Promise.all(
    Object.entries(deployments).map(async ([namespace, name]) => {
      const { items } = await get<{ items: { metadata: { uid: string } }[] }>(
        world.cluster,
        "pods",
        `--namespace=${namespace}`,
        `--selector=app=${name}`,
      );
      return items.map(({ metadata }) => metadata.uid);
    }),
  );

test("after a power cut, without any registry, the gate is back and judges", async () => {
  const before = await uids();
  await world.cluster.killAll();
  await world.cluster.unpublish(address);
  await world.cluster.powerOn();
  const up = performance.now();

  // Namespaces that the gate is not asked about work at once.
  await apply(world.cluster, workload("Pod", "proxy", images["cni"] ?? "", { namespace: "kube-system" }));

  const said: string[] = [];
  do {
    said.push(await attempt(`unjudged-${said.length}`));
    await sleep(200);
  } while (said.at(-1) === "no answer" && said.length < 300);
  const seconds = (performance.now() - up) / 1000;
  process.stderr.write(`first verdict ${seconds.toFixed(1)} s after the power came back\n`);
  expect(new Set(said)).toEqual(new Set(said.length === 1 ? ["denied"] : ["no answer", "denied"]));
  expect(await attempt("unjudged")).toBe("denied");

  await kubectl(world.cluster, "rollout", "status", "-n", "gatehouse", "deployment", "--timeout=120s");
  const { status } = await get<{ status: { phase: string } }>(
    world.cluster,
    "pod",
    "proxy",
    "--namespace=kube-system",
  );
  expect(status.phase).toBe("Running");
  // What ran runs again, the very same Pods, without asking anybody.
  expect(await uids()).toEqual(before);
  for (const [namespace, name] of Object.entries(deployments))
    await kubectl(world.cluster, "rollout", "status", "-n", namespace, `deployment/${name}`, "--timeout=60s");
});

test("what controllers make anew waits for the registry, and comes when that is back", async () => {
  await kubectl(world.cluster, "delete", "pod", "-n", "network-system", "-l", "app=cni");
  await eventually(async () => {
    const { items } = await get<{ items: Event[] }>(world.cluster, "events", "-n", "network-system");
    const refused = items.filter(
      ({ reason, message }) => reason === "FailedCreate" && message?.includes("Gatehouse denied"),
    );
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.message).toContain("[GH1017]");
  });
  await publish();
  await eventually(async () => expect(await attempt("later")).toBe("admitted"));
  await kubectl(
    world.cluster,
    "rollout",
    "status",
    "-n",
    "network-system",
    "deployment/cni",
    "--timeout=120s",
  );
});

test("nothing was admitted that nobody judged", async () => {
  const created = (await world.cluster.auditLog()).filter(
    ({ verb, objectRef, responseStatus }) =>
      verb === "create" &&
      objectRef?.resource === "pods" &&
      objectRef.subresource === undefined &&
      responseStatus?.code === 201 &&
      !["kube-system", "gatehouse"].includes(objectRef.namespace ?? ""),
  );
  expect(created.length).toBeGreaterThanOrEqual(5);
  const verdicts = created.map(({ annotations }) => annotations?.["validate.gatehouse.dev/decision"]);
  expect(new Set(verdicts)).toEqual(new Set(["allow"]));
});
