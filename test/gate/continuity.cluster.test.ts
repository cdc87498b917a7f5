/** Under a steady load of creations nothing that is done to the gate makes a request fail or bends a verdict. */
import { once } from "node:events";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { definePolicy, deny, findings, policyHash, states } from "@gatehouse/policy";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.d.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { get, kubectl } from "../cluster/testing/kubernetes.ts";
import { admissionEvents, judgeLines } from "./events.ts";
import { startLoad, type Creation, type Load } from "./load.ts";
import { vulnerable } from "./reports.ts";
import { startWorld, strictPolicy, type World } from "./world.ts";

const strict = strictPolicy();
/** The other verdict on the same image. */
const lenient = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals without a fix do not ship",
      when: findings({ minSeverity: "critical", fixAvailable: false }),
      onScan: states.strict,
    }),
  },
  defaultRule: false,
});

/** HTTP status of a creation by policy and image. */
function expected(hash: string, image: string): number {
  return hash === policyHash(strict) && image === vulnerable.reference ? 400 : 201;
}

const folder = mkdtempSync(join(tmpdir(), "gatehouse-continuity-"));
const clock = join(folder, "clock");
const setClock = (days: number) => writeFileSync(join(clock, "shift"), String(days * 24 * 3_600_000));

/** Shifts a process's clock by as many milliseconds as a file says. */
const shiftedClock = `
  import { readFileSync } from "node:fs";
  const real = Date.now;
  let shift = 0;
  const read = () => { shift = Number(readFileSync("/clock/shift", "utf8")); };
  read();
  setInterval(read, 500).unref();
  Date.now = () => real() + shift;
`;

let world: World;
let load: Load;

beforeAll(async () => {
  mkdirSync(clock);
  writeFileSync(join(clock, "shift.mjs"), shiftedClock);
  // A certificate that is due for renewal: made five days ago, for seven.
  setClock(-5);
  world = await startWorld({
    // A death is noticed as late as by a kubelet, so that the Service leads to the dead for as long.
    times: { relistSeconds: 1 },
    commands: [
      {
        image: "gcr.io/distroless/nodejs24*",
        entrypoint: ["/nodejs/bin/node"],
        env: { NODE_OPTIONS: "--import=/clock/shift.mjs" },
        files: { "/nodejs/bin/node": process.execPath, "/clock": clock },
      },
    ],
  });
  await world.up({ policy: strict });
  load = startLoad(world.cluster, 10);
}, 1_800_000);

afterAll(async () => {
  await load?.stop();
  await world?.stop();
  rmSync(folder, { recursive: true });
});

async function judges(): Promise<Pod[]> {
  const selector = "app.kubernetes.io/name=gatehouse,app.kubernetes.io/component=judge";
  const { items } = await get<{ items: Pod[] }>(world.cluster, "pods", "-n", "gatehouse", "-l", selector);
  return items;
}

/** When the certificate that a replica shows to a new connection began. */
async function certificateBegins(address: string): Promise<number> {
  const port = await world.cluster.forward(address, 9443);
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const begins = Date.parse(socket.getPeerCertificate().valid_from);
  socket.destroy();
  return begins;
}

test("certificate renewal", async () => {
  load.phase("certificate renewal");
  const addresses = (await judges()).map(({ status }) => status?.podIP ?? "");
  expect(addresses).toHaveLength(2);
  const before = await Promise.all(addresses.map(certificateBegins));
  setClock(0);
  await eventually(async () => {
    const lines = (await judgeLines(world.cluster)).filter(({ message }) => message === "a new certificate");
    expect(lines).toHaveLength(2);
  });
  const after = await Promise.all(addresses.map(certificateBegins));
  const grown = after.map((begins, index) => Math.round((begins - (before[index] ?? 0)) / (24 * 3_600_000)));
  expect(grown).toEqual([5, 5]);
});

test("policy change", async () => {
  load.phase("policy change");
  await world.up({ policy: lenient });
});

test("gate upgrade", async () => {
  load.phase("gate upgrade");
  const bundles = join(folder, "bundles");
  cpSync(world.bundles, bundles, { recursive: true });
  appendFileSync(join(bundles, "judge.mjs"), "\n// another version\n");
  await world.up({ policy: strict, bundles });
});

test("rotation of the authority, in two updates", async () => {
  load.phase("rotation, first update");
  await world.up({ policy: strict, caGenerations: ["1", "2"] });
  load.phase("rotation, second update");
  await world.up({ policy: strict, caGenerations: ["2"] });
});

test("drain of a node", async () => {
  load.phase("drain");
  const [pod] = await judges();
  const node = pod?.spec?.nodeName ?? "";
  await kubectl(world.cluster, "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force");
  await kubectl(world.cluster, "rollout", "status", "-n", "gatehouse", "deployment", "--timeout=60s");
  const nodes = (await judges()).map(({ spec }) => spec?.nodeName);
  expect(nodes).not.toContain(node);
  await kubectl(world.cluster, "uncordon", node);
  // By evictions, which the disruption budget has a say in.
  const evicted = (await world.cluster.auditLog()).filter(
    ({ verb, objectRef, responseStatus }) =>
      verb === "create" &&
      objectRef?.resource === "pods" &&
      objectRef.subresource === "eviction" &&
      responseStatus?.code === 201,
  );
  expect(evicted.map(({ objectRef }) => objectRef?.name)).toContain(pod?.metadata?.name);
});

/** When a replica was killed, and when its Service was seen not to lead to it any more; milliseconds since 1970. */
const kill = { at: Number.POSITIVE_INFINITY, withdrawn: Number.NEGATIVE_INFINITY };

test("SIGKILL of a replica", async () => {
  load.phase("kill");
  await sleep(1000);
  const [pod] = await judges();
  const name = pod?.metadata?.name ?? "";
  kill.at = Date.now();
  await world.cluster.signal({ namespace: "gatehouse", pod: name }, "SIGKILL");
  await eventually(async () => {
    const slices = await get<{ items: EndpointSlice[] }>(
      world.cluster,
      "endpointslices",
      "--namespace=gatehouse",
      "--selector=kubernetes.io/service-name=gatehouse",
    );
    const ready = slices.items
      .flatMap(({ endpoints }) => endpoints)
      .filter(({ conditions }) => conditions?.ready);
    expect(ready.map(({ targetRef }) => targetRef?.name)).not.toContain(name);
  });
  kill.withdrawn = Date.now();
  await eventually(async () => {
    const again = (await judges()).find(({ metadata }) => metadata?.name === name);
    expect(again?.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
  });
  load.phase("end");
  await sleep(1000);
});

/**
 * Whether a call was under way to the replica, or could be led to it, while it was dead and not yet off the Service.
 * An API server sends a webhook's call once: what fails then is refused, not admitted, and may be tried again.
 */
function metTheDead({ startedAt, milliseconds, failure = "" }: Creation): boolean {
  return (
    startedAt + milliseconds >= kill.at &&
    startedAt <= kill.withdrawn &&
    failure.includes('failed calling webhook "validate.gatehouse.dev"') &&
    /EOF|connection (reset|refused)|broken pipe/.test(failure)
  );
}

test("no request failed, and each decision is that of the policy in its event", async () => {
  const creations = await load.stop();
  for (const [phase, all] of Map.groupBy(creations, (creation) => creation.phase)) {
    const slowest = Math.round(Math.max(...all.map(({ milliseconds }) => milliseconds)));
    const failed = all.filter(({ failure }) => failure !== undefined).length;
    process.stderr.write(`${phase}: ${all.length} creations, slowest ${slowest} ms, ${failed} failed\n`);
  }
  const failed = creations.filter(({ failure }) => failure !== undefined);
  expect(failed.filter((creation) => !metTheDead(creation))).toEqual([]);
  // Nothing of what failed was there when it was tried again: another try created it, or was denied.
  expect(creations.filter(({ status }) => status !== 201 && status !== 400)).toEqual([]);

  const events = new Map(
    (await admissionEvents(world.cluster)).map(({ data }) => [data.object.name, data] as const),
  );
  const wrong = creations.filter(({ name, image, status, phase }: Creation) => {
    const event = events.get(name);
    // A killed process takes the events with it that it had not written yet.
    if (event === undefined) return phase !== "kill";
    return status !== expected(event.policyHash, image) || (event.action === "deny") !== (status === 400);
  });
  expect(wrong).toEqual([]);
  const refused = creations.filter(({ status }) => status === 400);
  expect(refused.filter(({ message }) => !message.includes("Gatehouse denied PodTemplate"))).toEqual([]);
});
