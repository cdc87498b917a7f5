/** An image's life in a registry, as the gate of a real control plane follows it: nothing is restarted. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fakeRegistry } from "@gatehouse/scans/testing";
import { serve, type ServerType } from "@hono/node-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { get } from "../cluster/testing/kubernetes.ts";
import { finding, report } from "../gate/reports.ts";
import { workload } from "../gate/workloads.ts";
import { startWorld, type World } from "../gate/world.ts";

const host = "registry.test:5000";
const registry = fakeRegistry({ host });
let world: World;
let server: ServerType;

beforeAll(async () => {
  server = serve({ fetch: registry.app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  world = await startWorld();
  const { port: target } = server.address() as AddressInfo;
  await world.cluster.publish({ host: "10.200.3.1", port: 5000, name: "registry.test", target });
  await world.up({
    files: {},
    sources: [
      { type: "referrer", name: "attached", registries: [host], plainHttp: true, allowUnsigned: true },
    ],
  });
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
  server?.close();
});

let attempts = 0;
/** What the gate says of a Pod with this image now: `admitted`, or the code of its denial. */
async function verdict(reference: string): Promise<string> {
  const { code, stderr } = await world.create(
    workload("Pod", `try-${++attempts}`, reference),
    "--dry-run=server",
  );
  if (code === 0) return "admitted";
  return /\[(GH\d+)\]/.exec(stderr)?.[1] ?? stderr;
}

/** Longest that a verdict may take to follow what a registry says of an image that is not complete yet. */
const refreshSeconds = 60;

async function becomes(reference: string, expected: string): Promise<void> {
  const start = performance.now();
  await eventually(async () => expect(await verdict(reference)).toBe(expected), refreshSeconds);
  process.stderr.write(`${expected} after ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

const judges = async (): Promise<string[]> => {
  const { items } = await get<{
    items: { metadata: { uid: string }; status: { containerStatuses: { restartCount: number }[] } }[];
  }>(world.cluster, "pods", "-n", "gatehouse", "-l", "app.kubernetes.io/component=judge");
  return items
    .map(({ metadata, status }) => `${metadata.uid} ${status.containerStatuses[0]?.restartCount}`)
    .sort();
};

test("reports attached in a registry: unscanned, pending, vulnerable; fixed, rescanned", async () => {
  const before = await judges();
  const attach = (image: ReturnType<typeof registry.pushImage>, content: string): unknown =>
    registry.attach("shop/app", image, {
      artifactType: "application/vnd.aquasec.trivy.report+json",
      content,
    });
  const first = registry.pushImage("shop/app", { tag: "1", content: "first" });
  const one = { reference: `${host}/shop/app:1`, digest: first.digest };
  await becomes(one.reference, "GH1015");

  // A report that does not say when its scan ended.
  const { CreatedAt: _, ...unfinished } = JSON.parse(report(one)) as Record<string, unknown>;
  attach(first, JSON.stringify(unfinished));
  await becomes(one.reference, "GH1011");

  attach(first, report(one, [finding]));
  await becomes(one.reference, "GH1001");

  const second = registry.pushImage("shop/app", { tag: "2", content: "second" });
  const two = { reference: `${host}/shop/app:2`, digest: second.digest };
  await becomes(two.reference, "GH1015");
  attach(second, report(two));
  await becomes(two.reference, "admitted");
  expect(await judges()).toEqual(before);
});

interface Finding {
  level: string;
  check: string;
  text: string;
}

test("the doctor knows a gate that is well, by its own names and ways", async () => {
  const main = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
  const args = [main, "doctor", "--kubeconfig", world.cluster.kubeconfig, "--output", "json"];
  const ran = promisify(execFile)(process.execPath, args);
  // With problems it ends with 1, and says what they are all the same.
  const { stdout } = await ran.catch((error: unknown) => error as { stdout: string });
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  for (const { level, check, text } of findings) process.stderr.write(`${level} ${check}: ${text}\n`);
  expect(findings.filter(({ level }) => level === "problem")).toEqual([]);
  const well = findings.filter(({ level }) => level === "ok").map(({ check, text }) => `${check}: ${text}`);
  expect(well).toEqual(
    expect.arrayContaining([
      "prerequisites: all 5 rights that were asked about are there",
      "installation: failurePolicy is Fail in mode deny",
      "installation: judge: 2 of 2 ready",
      "installation: observer: 1 of 1 ready",
      expect.stringMatching(/^installation: policy [0-9a-f]{12} is registered and judged by$/),
      "certificates: the validating webhook's caBundle holds all 1 authorities of the gate",
      "reachability: a Pod in namespace default was judged (dry run)",
      "clock: the API server's clock agrees with this machine's",
      "clock: the judge's clock agrees with this machine's",
    ]),
  );
});
