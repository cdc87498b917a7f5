/** A cluster, a gate with reports in front of it, and how tests ask it: in one call. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gate, GateMode, filesDirectory, type GateArgs } from "@gatehouse/gate";
import { definePolicy, deny, findings, states, type Policy } from "@gatehouse/policy";
import { buildBundle, buildObserver } from "@gatehouse/webhook/build";
import { startCluster, type Cluster, type ClusterOptions } from "../cluster/cluster.ts";
import type { KubectlResult } from "../cluster/kubectl.ts";
import { reportProgress } from "../cluster/progress.ts";
import { eventually } from "../cluster/testing/eventually.ts";
import { registryHost, reports } from "./reports.ts";
import { createStack, type Stack } from "./up.ts";

/** Criticals are refused, and so is what nobody could judge. The description tells policies apart. */
export function strictPolicy(description = "Criticals do not ship"): Policy {
  return definePolicy({
    rules: {
      "no-criticals": deny({
        description,
        when: findings({ minSeverity: "critical" }),
        onScan: states.strict,
      }),
    },
    defaultRule: false,
    exemptionHelp: "Ask in #security",
  });
}

/** A gate's arguments, with what the tests do not care about in place. */
export function gateArgs(change: Partial<GateArgs> = {}): GateArgs {
  return {
    policy: strictPolicy(),
    mode: GateMode.Deny,
    cluster: { name: "test" },
    platforms: ["linux/amd64"],
    files: { reports: { ...reports } },
    sources: [
      {
        type: "file",
        name: "reports",
        directory: filesDirectory("reports"),
        registries: [registryHost],
      },
    ],
    ...change,
  };
}

/** What a test file works with. */
export interface World {
  readonly cluster: Cluster;
  readonly stack: Stack;
  /** The folder of the gate's parts, built for this file: no other run builds them anew in the middle of it. */
  readonly bundles: string;
  /** `pulumi up` of a program with one Gate. */
  up(change?: Partial<GateArgs>): Promise<void>;
  /** `kubectl create -f -`, with further arguments. */
  create(object: object, ...args: string[]): Promise<KubectlResult>;
  stop(): Promise<void>;
}

/** Starts a cluster and builds the bundles; `up` brings the gate. */
export async function startWorld(options: ClusterOptions = {}): Promise<World> {
  const bundles = mkdtempSync(join(tmpdir(), "gatehouse-bundles-"));
  const removeBundles = () => rmSync(bundles, { recursive: true, force: true });
  const [cluster] = await Promise.all([
    startCluster({ onBuild: reportProgress(process.stderr), nodes: [{}, {}], ...options }),
    buildBundle(join(bundles, "judge.mjs")),
    buildObserver(join(bundles, "observer.mjs")),
  ]).catch((error: unknown) => {
    removeBundles();
    throw error;
  });
  const stack = createStack(cluster);
  return {
    cluster,
    stack,
    bundles,
    async up(change) {
      await stack.up(() => new Gate("gate", gateArgs({ bundles, ...change })));
      await settled(cluster);
    },
    create: (object, ...args) => cluster.kubectl(["create", "-f", "-", ...args], JSON.stringify(object)),
    async stop() {
      await cluster.stop();
      removeBundles();
    },
  };
}

/** Replicas of the last roll-out answer on connections that they still hold until they have ended. */
async function settled(cluster: Cluster): Promise<void> {
  await eventually(async () => {
    const ended = "jsonpath={range .items[*]}{.metadata.deletionTimestamp}{end}";
    const { stdout } = await cluster.kubectl(["get", "pods", "-n", "gatehouse", "-o", ended]);
    if (stdout !== "") throw new Error("replicas of the last roll-out have not ended yet");
  });
}
