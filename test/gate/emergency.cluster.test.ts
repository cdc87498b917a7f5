/** Break-glass: `gatehouse-emergency`, edited by hand, in force within 90 s, gone by itself, and never in silence. */
import { GateMode } from "@gatehouse/gate";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { get as httpsGet } from "node:https";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { get, kubectl } from "../cluster/testing/kubernetes.ts";
import { admissionEvents, emergencyEvents } from "./events.ts";
import { finding, vulnerable } from "./reports.ts";
import { startWorld, type World } from "./world.ts";
import { workload } from "./workloads.ts";

let world: World;

beforeAll(async () => {
  // Volumes are read again as seldom as by a kubelet.
  world = await startWorld({ times: { volumeRefreshSeconds: 60 } });
  await world.up({ mode: GateMode.Deny });
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
});

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

const code = async (name: string) =>
  (await world.create(workload("Deployment", name, vulnerable.reference))).code;

/** Sum of a metric over all judges, by its name and labels. */
async function metric(name: string): Promise<number> {
  const { items } = await get<{ items: Pod[] }>(world.cluster, "pods", "-n", "gatehouse");
  const judges = items.filter(
    ({ metadata }) => metadata?.labels?.["app.kubernetes.io/component"] === "judge",
  );
  const values = judges.map(async ({ status }) => {
    const port = await world.cluster.forward(status?.podIP ?? "", 9464);
    const call = httpsGet({ host: "127.0.0.1", port, path: "/metrics", rejectUnauthorized: false });
    const [response] = (await once(call, "response")) as [IncomingMessage];
    const line = (await text(response)).split("\n").find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length) ?? 0);
  });
  return (await Promise.all(values)).reduce((sum, value) => sum + value, 0);
}

test("an entry opens for what it names within 90 s, an invalid one is reported, and both end", async () => {
  expect(await code("before")).toBe(1);
  const entry = {
    rules: ["no-criticals"],
    cves: [finding.VulnerabilityID],
    where: { namespace: "default", image: `${vulnerable.reference.split(":")[0]}*` },
    reason: "The shop is down and only this version starts",
    owner: "on-call",
    until: inSeconds(105),
  };
  const tooLong = { ...entry, until: inSeconds(3 * 24 * 3600) };
  const data = { "shop-outage": JSON.stringify(entry), "too-long": JSON.stringify(tooLong) };
  const patch = JSON.stringify({ data });
  const since = performance.now();
  const map = ["configmap", "gatehouse-emergency", "--namespace=gatehouse"];
  await kubectl(world.cluster, "patch", ...map, "--type=merge", "--patch", patch);
  // Both replicas have read it, whichever answers.
  await eventually(async () => expect(await emergencyEvents(world.cluster)).toHaveLength(2), 95);
  const seconds = (performance.now() - since) / 1000;
  process.stderr.write(`break-glass in force after ${seconds.toFixed(1)} s\n`);
  expect(seconds).toBeLessThan(91);
  expect(await code("during")).toBe(0);

  const [told] = await emergencyEvents(world.cluster);
  const { reason, owner, until } = entry;
  expect(told?.data).toEqual({
    cluster: "test",
    exemptions: [{ exemption: "emergency/shop-outage", owner, reason, until }],
    problems: [`too-long: until: expected at most 24 hours from now, got ${tooLong.until}`],
  });
  const used = await eventually(async () => {
    const events = (await admissionEvents(world.cluster)).filter(
      ({ data: { object } }) => object.name === "during",
    );
    expect(events).toHaveLength(1);
    return events[0]?.data;
  });
  expect(used?.exemptions).toEqual([{ exemption: "emergency/shop-outage", daysLeft: 0, emergency: true }]);
  expect(await metric('gatehouse_emergency_uses_total{exemption="emergency/shop-outage"}')).toBeGreaterThan(
    0,
  );
  expect(await metric("gatehouse_emergency_exemptions")).toBe(2);
  expect(await metric("gatehouse_emergency_problems")).toBe(2);
  // A namespace that it does not name stays shut.
  await kubectl(world.cluster, "create", "namespace", "elsewhere");
  const elsewhere = workload("Deployment", "elsewhere", vulnerable.reference, { namespace: "elsewhere" });
  expect((await world.create(elsewhere)).code).toBe(1);

  await sleep(Date.parse(until) - Date.now() + 100);
  expect(await code("after")).toBe(1);
});

test("an update of the stack leaves what was written there alone", async () => {
  await world.up({ mode: GateMode.Deny, timeoutSeconds: 8 });
  const { data } = await get<{ data: Record<string, string> }>(
    world.cluster,
    "configmap",
    "gatehouse-emergency",
    "--namespace=gatehouse",
  );
  expect(Object.keys(data)).toEqual(["shop-outage", "too-long"]);
});
