/** Images' lives in every kind of registry, as the gate of a real control plane follows them: nothing is restarted. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fakeRegistry } from "@gatehouse/scans/testing";
import { serve, type ServerType } from "@hono/node-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { get } from "../cluster/testing/kubernetes.ts";
import { workload } from "../gate/workloads.ts";
import { startWorld, type World } from "../gate/world.ts";
import { startClouds, type FakeClouds } from "./fake-clouds.ts";
import { attached, livesIn, tokenAudiences, type Life } from "./lives.ts";

const host = "registry.test:5000";
const registry = fakeRegistry({ host });
/** The judges' account and the observer's: both look images up. */
const subjects = ["gatehouse", "gatehouse-observer"].map((name) => `system:serviceaccount:gatehouse:${name}`);
let world: World;
let server: ServerType;
let clouds: FakeClouds;
let lives: readonly Life[];

beforeAll(async () => {
  server = serve({ fetch: registry.app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  world = await startWorld();
  const { port: target } = server.address() as AddressInfo;
  await world.cluster.publish({ host: "10.200.3.1", port: 5000, name: "registry.test", target });
  clouds = await startClouds(world.cluster, subjects);
  lives = [...livesIn(clouds), attached(registry, host)];
  await world.up({
    files: {},
    sources: lives.map(({ source }) => source),
    tokenAudiences,
    caBundle: clouds.ca,
  });
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
  clouds?.stop();
  server?.close();
});

let attempts = 0;
/** What the gate says of a Pod with this image now: `admitted` or the code of its denial, and in its own words. */
async function verdict(reference: string): Promise<{ code: string; words: string }> {
  const { code, stderr } = await world.create(
    workload("Pod", `try-${++attempts}`, reference),
    "--dry-run=server",
  );
  if (code === 0) return { code: "admitted", words: "" };
  return { code: /\[(GH\d+)\]/.exec(stderr)?.[1] ?? "no code", words: stderr };
}

/** Longest that a verdict may take to follow a registry: its source's refresh time, and a look-up behind it. */
const refreshSeconds = 60 + 15;

/** Waits until that is the verdict; gives what came before it. */
async function becomes(name: string, reference: string, expected: string): Promise<void> {
  const start = performance.now();
  const passed = (): number => (performance.now() - start) / 1000;
  for (;;) {
    const { code, words } = await verdict(reference);
    if (code === expected) break;
    if (passed() > refreshSeconds)
      throw new Error(`${name}: ${reference} should be ${expected} by now, but is ${code}: ${words}`);
    await sleep(1000);
  }
  process.stderr.write(`${name}: ${expected} after ${passed().toFixed(1)} s\n`);
}

/** The judges by their Pods, and how often each was restarted. */
const judges = async (): Promise<string[]> => {
  const { items } = await get<{
    items: { metadata: { uid: string }; status: { containerStatuses: { restartCount: number }[] } }[];
  }>(world.cluster, "pods", "-n", "gatehouse", "-l", "app.kubernetes.io/component=judge");
  return items
    .map(({ metadata, status }) => `${metadata.uid} ${status.containerStatuses[0]?.restartCount}`)
    .sort();
};

const denied = { unscanned: "GH1015", pending: "GH1011", vulnerable: "GH1001", unavailable: "GH1017" };

/** One image from its push to its second scan. */
async function vulnerableThenNot({ name, repository, push, pending, scanned }: Life): Promise<void> {
  const image = push("1");
  const reference = `${repository}:1`;
  await becomes(name, reference, denied.unscanned);
  await pending(image);
  await becomes(name, reference, denied.pending);
  await scanned(image, true);
  await becomes(name, reference, denied.vulnerable);
  // The same bytes, scanned again: the finding was withdrawn.
  await scanned(image, false);
  await becomes(name, reference, "admitted");
}

/** The image that mends it, and what is learned of it later. */
async function fixedThenNot({ name, repository, push, scanned }: Life): Promise<void> {
  const image = push("2");
  const reference = `${repository}:2`;
  await becomes(name, reference, denied.unscanned);
  await scanned(image, false);
  await becomes(name, reference, "admitted");
  await scanned(image, true);
  await becomes(name, reference, denied.vulnerable);
}

test("unscanned, pending, vulnerable, fixed, rescanned; and no answer once a cloud disowns the gate", async () => {
  const before = await judges();
  await Promise.all(lives.flatMap((life) => [vulnerableThenNot(life), fixedThenNot(life)]));
  for (const { name, asked, exchange } of lives)
    if (exchange !== undefined) expect([name, asked]).toEqual([name, expect.arrayContaining([exchange])]);

  clouds.disown();
  await Promise.all(
    lives.map(async ({ name, repository, push, scanned, exchange }) => {
      await scanned(push("3"), false);
      await becomes(name, `${repository}:3`, exchange === undefined ? "admitted" : denied.unavailable);
    }),
  );
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
      "prerequisites: all 4 rights that were asked about are there",
      "installation: failurePolicy is Fail in mode deny",
      "installation: judge: 2 of 2 ready",
      "installation: observer: 1 of 1 ready",
      expect.stringMatching(/^installation: policy [0-9a-f]{12} is registered and judged by$/),
      "certificates: the validating webhook's caBundle holds all 1 authorities of the gate",
      "reachability: a Pod in namespace default was judged (dry run)",
      "clock: the API server's clock agrees with this machine's",
      "clock: the judge's clock agrees with this machine's",
      "metrics: the observer counts no failure of its own",
    ]),
  );
});
