/** The life of a stack, by the real CLI: the program of this repository on a cluster of its own, mode deny. */
import { readFileSync } from "node:fs";
import type { UpResult } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, type Cluster } from "../cluster/cluster.ts";
import { eventually } from "../cluster/testing/eventually.ts";
import { reportProgress } from "../cluster/progress.ts";
import { createProject, type Project, type Settings } from "./project.ts";
import { installSettings, record } from "./record.ts";
import { shapeOf, type Preview } from "./recording.ts";

let cluster: Cluster;
let project: Project;

beforeAll(async () => {
  cluster = await startCluster({ onBuild: reportProgress(process.stderr) });
  project = await createProject();
  configure();
  project.writePolicy("A");
}, 1_800_000);

afterAll(async () => {
  project?.remove();
  await cluster?.stop();
});

function configure(settings: Settings = {}): void {
  project.configure({ ...installSettings(cluster.kubeconfig), ...settings });
}

/** How many resources each kind of step concerned. */
async function up(): Promise<UpResult["summary"]["resourceChanges"]> {
  return (await project.stack.up()).summary.resourceChanges;
}

async function unchanged(): Promise<void> {
  await project.stack.preview({ expectNoChanges: true });
}

/** A field of the registration, which says what is in force. */
async function registered(path: string): Promise<string> {
  const { stdout, stderr } = await cluster.kubectl([
    "get",
    "validatingwebhookconfiguration",
    "gatehouse",
    "-o",
    `jsonpath={${path}}`,
  ]);
  expect(stderr).toBe("");
  return stdout;
}

const policyInForce = () => registered(String.raw`.metadata.annotations.gatehouse\.dev/policy-hash`);

/** Names of the policies' ConfigMaps in the cluster. */
async function policies(): Promise<string[]> {
  const { stdout } = await cluster.kubectl(["get", "configmaps", "-n", "gatehouse", "-o", "name"]);
  return stdout.split("\n").filter((name) => name.includes("gatehouse-policy-"));
}

/** Loses a Pod of the image that serves, and waits for another in its place. */
async function loseOneJudge(): Promise<void> {
  const judges = ["pods", "-n", "gatehouse", "-l", "app.kubernetes.io/component=judge", "-o"];
  const ready = async () => {
    const pods = JSON.parse((await cluster.kubectl(["get", ...judges, "json"])).stdout) as {
      items: { metadata: { name: string }; status: { conditions?: { type: string; status: string }[] } }[];
    };
    return pods.items
      .filter(({ status }) => status.conditions?.some((one) => one.type === "Ready" && one.status === "True"))
      .map(({ metadata }) => metadata.name);
  };
  const [lost = "", ...others] = await ready();
  expect(others).toHaveLength(1);
  await cluster.kubectl(["delete", "pod", lost, "-n", "gatehouse"]);
  await eventually(async () => {
    const now = await ready();
    expect([now.length, now.includes(lost)]).toEqual([2, false]);
  });
}

/** Certificates in the bundle that API servers trust. */
async function trusted(): Promise<number> {
  const bundle = await registered(".webhooks[0].clientConfig.caBundle");
  return Buffer.from(bundle, "base64").toString().split("BEGIN CERTIFICATE").length - 1;
}

/** That the gate answers: no source names the registry of this image, and the rule denies what nobody can scan. */
async function expectAnAnswer(): Promise<void> {
  const { code, stderr } = await cluster.kubectl([
    "create",
    "deployment",
    "probe",
    "--image=registry.example/shop/api:1",
    "--dry-run=server",
  ]);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining("Gatehouse denied Deployment default/probe [GH1014]") as string,
  });
}

test("an install is previewed, made, and leaves nothing to do", async () => {
  const file = new URL("recordings/2026-11-22-install.json", import.meta.url);
  const recording = JSON.parse(readFileSync(file, "utf8")) as Preview;
  const preview = (await record(project, cluster.kubeconfig)) as Preview;
  expect(shapeOf(preview)).toEqual(shapeOf(recording));
  expect(await up()).toEqual({ create: recording.steps.length });
  await expectAnAnswer();
  await unchanged();
});

test("policy A, then B whose roll-out fails, then A again", async () => {
  const [a, ...others] = await policies();
  const hash = await policyInForce();
  expect(others).toEqual([]);

  project.writePolicy("B");
  // An image that does not hold the gate's program.
  const reference = `gcr.io/distroless/nodejs24-debian13@sha256:${"b".repeat(64)}`;
  configure({ image: { reference, bundles: "/app" } });
  await expect(project.stack.up()).rejects.toThrow(/\/app\/judge\.mjs/);
  expect(await policyInForce()).toBe(hash);
  await expectAnAnswer();
  await loseOneJudge();
  await expectAnAnswer();

  project.writePolicy("A");
  configure();
  await up();
  expect([await policies(), await policyInForce()]).toEqual([[a], hash]);
  await expectAnAnswer();
  await unchanged();
});

test("a policy that changes replaces the one before, and refresh finds nothing else", async () => {
  const before = await policyInForce();
  project.writePolicy("C");
  expect(await up()).toMatchObject({ create: 1, delete: 1 });
  const after = await policyInForce();
  expect(after).not.toBe(before);
  expect(await policies()).toEqual([`configmap/gatehouse-policy-${after.slice(0, 16)}`]);
  const { summary } = await project.stack.refresh();
  expect(Object.keys(summary.resourceChanges ?? {})).toEqual(["same"]);
  await unchanged();
});

test("the certificate authority is exchanged in two updates, and in no fewer", async () => {
  const old = await registered(".webhooks[0].clientConfig.caBundle");
  configure({ caGenerations: ["2"] });
  await expect(project.stack.preview()).rejects.toThrow(/the last update did not trust it/);
  configure({ caGenerations: ["1", "2"] });
  await up();
  expect(await trusted()).toBe(2);
  await expectAnAnswer();
  configure({ caGenerations: ["2"] });
  await up();
  expect(await trusted()).toBe(1);
  expect(await registered(".webhooks[0].clientConfig.caBundle")).not.toBe(old);
  await expectAnAnswer();
  await unchanged();
});

test("destroy leaves nothing behind", async () => {
  await project.stack.destroy();
  const kinds = [
    "namespaces",
    "clusterroles",
    "clusterrolebindings",
    "priorityclasses",
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
  ];
  const { stdout } = await cluster.kubectl(["get", kinds.join(","), "-A", "-o", "name"]);
  expect(stdout.split("\n").filter((name) => /\/gate/.test(name))).toEqual([]);
  expect((await cluster.kubectl(["get", "pods", "-A", "-o", "name"])).stdout).toBe("");
  expect((await project.stack.exportStack()).deployment.resources ?? []).toEqual([]);
});
