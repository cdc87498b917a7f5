import type * as pulumi from "@pulumi/pulumi";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { PriorityClass } from "@pulumi/kubernetes/scheduling/v1/priorityClass.js";
import type { GateArgs } from "./args.ts";
import type { Bundle } from "./bundle.ts";
import type { Authority } from "./certificates.ts";
import { configConfigMap, emergencyConfigMap, policyConfigMap } from "./config-maps.ts";
import type { Hashed } from "./config.ts";
import { folders, type MountedFolder } from "./files.ts";
import { loaderArguments, type LoaderPlan } from "./loader.ts";
import { annotations, commonLabels, type Part } from "./names.ts";
import type { Placement } from "./placement.ts";
import { podPaths } from "./pod-paths.ts";
import type { GateSettings } from "./settings.ts";

/**
 * The highest priority that is not the system's own (`HighestUserDefinablePriority` of k8s.io/kubernetes): a gate
 * that fails closed must be there before what it is to admit, and never push out what a node needs.
 */
const PRIORITY = 1_000_000_000;

/** What judge and observer have in common. */
export interface Shared {
  readonly priorityClass: pulumi.Output<string>;
  readonly policyHash: Hashed;
  readonly configHash: pulumi.Output<Hashed>;
  readonly authorities: readonly Authority[];
  readonly policy: ConfigMap;
  readonly config: ConfigMap;
  readonly emergency: ConfigMap;
  readonly folders: readonly MountedFolder[];
  readonly trust: ConfigMap | undefined;
  /** What is in force where these are. */
  readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
}

/** Makes what judge and observer have in common: what they are told. */
export function deployShared(
  place: Placement,
  args: GateArgs,
  settings: GateSettings,
  inputs: {
    readonly policy: Hashed;
    readonly judging: pulumi.Input<string>;
    readonly config: pulumi.Output<Hashed>;
    readonly authorities: readonly Authority[];
  },
): Shared {
  const priority = new PriorityClass(
    `${place.name}-priority`,
    {
      metadata: { labels: { ...commonLabels } },
      value: PRIORITY,
      description: "The gate that admits all other Pods",
    },
    place.options,
  );
  return {
    priorityClass: priority.metadata.name,
    policyHash: inputs.policy,
    configHash: inputs.config,
    authorities: inputs.authorities,
    policy: policyConfigMap(place, inputs.policy),
    config: configConfigMap(place, inputs.config),
    emergency: emergencyConfigMap(place),
    folders: folders(place, settings.files),
    trust: args.caBundle === undefined ? undefined : trustConfigMap(place, args.caBundle),
    annotations: {
      [annotations.policyHash]: inputs.policy.sha256,
      [annotations.mode]: settings.mode,
      [annotations.judging]: inputs.judging,
    },
  };
}

/** Certificates that the gate trusts beside the public ones. */
function trustConfigMap(place: Placement, caBundle: pulumi.Input<string>): ConfigMap {
  return new ConfigMap(
    `${place.name}-trust`,
    {
      metadata: { namespace: place.namespace, labels: { ...commonLabels } },
      immutable: true,
      data: { "ca.crt": caBundle },
    },
    place.options,
  );
}

/** Namespace and labels of an object of the gate. */
export function metadata(place: Placement) {
  return { namespace: place.namespace, labels: { ...commonLabels } };
}

/**
 * What `node` is told: to check everything, then to start a part.
 *
 * @param bundle absent when the part is in the image
 */
export function nodeArguments(
  part: Part,
  settings: GateSettings,
  shared: Shared,
  bundle: Bundle | undefined,
  partArguments: readonly string[],
): pulumi.Output<string[]> {
  return shared.configHash.apply((config) => {
    const files = [
      { what: "the policy", path: `${podPaths.policy}/policy.json`, sha256: shared.policyHash.sha256 },
      { what: "the config", path: `${podPaths.config}/config.json`, sha256: config.sha256 },
    ];
    const plan: LoaderPlan =
      bundle === undefined
        ? { files, module: `${settings.image.bundles}/${part}.mjs` }
        : {
            bundle: {
              what: `the ${part}'s program`,
              path: `${podPaths.bundle}/${part}.mjs.br`,
              sha256: bundle.sha256,
            },
            files,
            module: `${podPaths.scratch}/gatehouse/${part}.mjs`,
          };
    return loaderArguments(plan, partArguments);
  });
}
