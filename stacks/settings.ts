import { RunError } from "@pulumi/pulumi";
import * as z from "zod/mini";
import { listProblems, modes, problemsOf, withCode, type Problem } from "@gatehouse/policy";
import { clusterSettings, registrySettings } from "./cloud-settings.ts";
import { operationSettings } from "./operation-settings.ts";

/** Kinds of cluster that a stack can be for. */
export const clouds = ["local", "aks", "eks", "gke"] as const;
/** Decides which cloud's component the program makes, and which settings the stack must have. */
export type Cloud = (typeof clouds)[number];

const text = z.string().check(z.minLength(1));

/**
 * The settings of a stack, as `Pulumi.NAME.yaml` holds them under `gatehouse:`. Whoever reviews that file sees all
 * that differs between two clusters.
 */
const settingsSchema = z.strictObject({
  /** Which kind of cluster. */
  cloud: z.enum(clouds),
  /** The cluster's name, in events and for rules. */
  clusterName: text,
  /** Whether rules may deny. */
  mode: z._default(z.enum(modes), "audit"),
  /** Labels that rules may ask for. */
  labels: z.optional(z.record(z.string(), z.string())),
  /** A kubeconfig file; without it, the one that kubectl uses. */
  kubeconfig: z.optional(text),
  /** A context of it; without it, its current one. */
  context: z.optional(text),
  /** A folder of scan reports, relative to the folder of this file. */
  reports: z.optional(text),
  /** A file that `gatehouse feed` wrote, relative to the folder of this file: EPSS and KEV for sources without them. */
  exploitFeed: z.optional(text),
  /** The image that the gate runs in: your own, signed, with the built parts in the folder `bundles`. */
  image: z.optional(z.strictObject({ reference: text, node: z.optional(text), bundles: z.optional(text) })),
  replicas: z.optional(z.int()),
  excludedNamespaces: z.optional(z.array(text)),
  caGenerations: z.optional(z.array(text)),
  /** A file that `gatehouse running` wrote, relative to the folder of this file: what runs, for `running.admitUntil`. */
  running: z.optional(text),
  /** Workloads that may be newly denied: rule → namespace/Kind/name. */
  acknowledged: z.optional(z.record(z.string(), z.array(text))),
  /** Whether a change that might newly deny needs an answer of the gate first. */
  requireImpact: z._default(z.boolean(), true),
  /** A folder to write the impact to. */
  report: z.optional(text),
  ...operationSettings,
  ...clusterSettings,
  ...registrySettings,
});

/** What one stack is told. */
export type Settings = z.infer<typeof settingsSchema>;

const namespace = "gatehouse:";
/** Settings whose value is no text: YAML's structures and scalars arrive as JSON. */
const structured = new Set([
  "labels",
  "image",
  "replicas",
  "excludedNamespaces",
  "caGenerations",
  "acknowledged",
  "requireImpact",
  ...Object.keys(operationSettings),
  ...Object.keys(clusterSettings),
  ...Object.keys(registrySettings),
]);

/**
 * Reads a stack's settings.
 *
 * @param config all of the stack's configuration, as `namespace:key` → text
 * @param stack the stack's name, for the message
 * @throws RunError, which Pulumi prints without a stack, naming all that is missing, wrong or unknown
 */
export function readSettings(config: Readonly<Record<string, string>>, stack: string): Settings {
  const problems: Problem[] = [];
  const given: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    if (!key.startsWith(namespace)) continue;
    const name = key.slice(namespace.length);
    given[name] = structured.has(name) ? jsonOf(name, value, problems) : value;
  }
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) problems.push(...problemsOf(parsed.error, given));
  else if ((parsed.data.cloud === "aks" || parsed.data.cloud === "gke") && !(parsed.data.cloud in given))
    problems.push({ path: parsed.data.cloud, problem: "expected where the cluster is, got nothing" });
  if (problems.length > 0 || !parsed.success)
    throw new RunError(
      withCode(
        "GH2002",
        `The settings of stack ${stack} must be mended (Pulumi.${stack}.yaml):\n${listProblems(problems)}\nExamples are in Pulumi.local.yaml, aks, eks and gke; \`pulumi config set KEY VALUE\` sets one.`,
      ),
    );
  return parsed.data;
}

function jsonOf(name: string, value: string, problems: Problem[]): unknown {
  try {
    return JSON.parse(value);
  } catch {
    problems.push({
      path: name,
      problem: `expected YAML of the form in the example, got ${JSON.stringify(value)}`,
    });
    return undefined;
  }
}
