/**
 * All that one cluster's gate is told besides the policy. `Gate` writes it into a ConfigMap; judge, observer and the
 * command line read it.
 */
import * as z from "zod/mini";
import { clusterStateSchema, eventSinkSchema } from "./event-sink-config.ts";
import { exploitFeedSchema, sourceSchema } from "./source-config.ts";

const text = z.string().check(z.minLength(1));
const platform = z
  .string()
  .check(z.regex(/^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9.]+)?$/, "os/architecture, such as linux/amd64"));
const digest = z.string().check(z.regex(/^sha256:[0-9a-f]{64}$/, "sha256: and 64 hex digits"));

/** The cluster that a gate stands in. */
export const clusterSchema = z.strictObject({
  name: text,
  cloud: z.optional(text),
  account: z.optional(text),
  region: z.optional(text),
  labels: z.optional(z.record(z.string(), z.string())),
});

/** Digests that ran when a deny rule came: admitted again in their namespace until the rule's `admitUntil`. */
export const runningSchema = z.array(
  z.strictObject({ namespace: text, repository: text, digests: z.array(digest).check(z.minLength(1)) }),
);
/** Digests on record as running, by namespace and repository. */
export type RunningDigests = z.infer<typeof runningSchema>;

/** The gate's `config.json`. */
export const gateConfigSchema = z.strictObject({
  version: z.literal(1),
  cluster: clusterSchema,
  mode: z.enum(["audit", "deny"]),
  /** SHA-256 of the canonical policy this config goes with; the judge refuses any other. */
  policyHash: z.string().check(z.regex(/^[0-9a-f]{64}$/, "64 hex digits")),
  /**
   * Platforms that the cluster can schedule; `nodes` are those of its nodes' labels, read while the gate runs. Until
   * they were read, every platform of an image counts.
   */
  platforms: z.union([
    z.literal("nodes"),
    z.array(platform).check(z.minLength(1, "name at least one platform")),
  ]),
  sources: z.array(sourceSchema),
  /** EPSS and KEV for sources that lack them. */
  exploitFeed: z.optional(exploitFeedSchema),
  /** Which report counts when several sources cover an image. */
  combine: z.optional(z.enum(["first", "worst"])),
  /** Whether Pods are pinned to the digest that was judged. Default: in mode deny. */
  pin: z.boolean(),
  running: z.optional(runningSchema),
  /** Namespaces that the webhook configuration keeps away; the observer leaves them out too. */
  excludedNamespaces: z.array(text),
  /** Where the observer sends every event to, beside standard output. */
  eventSink: z.optional(eventSinkSchema),
  /** What the observer writes into the cluster. */
  clusterState: z.optional(clusterStateSchema),
  /** Where the gate itself lives. */
  gate: z.strictObject({ namespace: text, serviceAccount: text, service: text }),
});
/** What a gate's `config.json` holds. */
export type GateConfig = z.infer<typeof gateConfigSchema>;
