/**
 * The Pulumi program: one gate for the cluster that the stack's settings name.
 * @module
 */
import { getStack } from "@pulumi/pulumi";
import { allConfig } from "@pulumi/pulumi/runtime/config.js";
import type { Gate } from "@gatehouse/gate";
import { readSettings, type Cloud, type Settings } from "./settings.ts";

/** One program for each kind of cluster, loaded when it is asked for: a cloud's SDK takes seconds. */
const programs: Readonly<Record<Cloud, () => Promise<(settings: Settings) => Gate | Promise<Gate>>>> = {
  local: async () => (await import("./local.ts")).local,
  aks: async () => (await import("./aks.ts")).aks,
  eks: async () => (await import("./eks.ts")).eks,
  gke: async () => (await import("./gke.ts")).gke,
};

const settings = readSettings(allConfig(), getStack());
const program = await programs[settings.cloud]();
const { endpoint, policyHash, caExpiry } = await program(settings);

/** What the stack says of itself. */
export const outputs = { endpoint, policyHash, caExpiry };
