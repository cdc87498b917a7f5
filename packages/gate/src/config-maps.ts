import type * as pulumi from "@pulumi/pulumi";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import type { Bundle } from "./bundle.ts";
import type { Placement } from "./placement.ts";
import type { Hashed } from "./config.ts";
import { commonLabels, EMERGENCY_NAME } from "./names.ts";

/**
 * A ConfigMap named by its content, in Pulumi and in the cluster. New content is another resource: it is created
 * beside the old one, which goes when the update has succeeded. Were it replaced, "A, then B which fails, then A
 * again" would try to create what still waits to be deleted.
 */
function byContent(
  place: Placement,
  kind: string,
  sha256: string,
  content: { data?: Record<string, string>; binaryData?: Record<string, string> },
): ConfigMap {
  const short = sha256.slice(0, 16);
  return new ConfigMap(
    `${place.name}-${kind}-${short}`,
    {
      metadata: {
        name: `gatehouse-${kind}-${short}`,
        namespace: place.namespace,
        labels: { ...commonLabels },
      },
      immutable: true,
      ...content,
    },
    place.options,
  );
}

/** A part of the gate, compressed. */
export function bundleConfigMap(place: Placement, bundle: Bundle): ConfigMap {
  return byContent(place, bundle.part, bundle.sha256, {
    binaryData: { [`${bundle.part}.mjs.br`]: bundle.packed },
  });
}

/** The policy. */
export function policyConfigMap(place: Placement, policy: Hashed): ConfigMap {
  return byContent(place, "policy", policy.sha256, { data: { "policy.json": policy.text } });
}

/**
 * The config. Its content may depend on what the same update creates, so its name cannot be known beforehand: Pulumi
 * names it, another one for each content, which has the same good end.
 */
export function configConfigMap(place: Placement, config: pulumi.Output<Hashed>): ConfigMap {
  return new ConfigMap(
    `${place.name}-config`,
    {
      metadata: { namespace: place.namespace, labels: { ...commonLabels } },
      immutable: true,
      data: { "config.json": config.apply(({ text }) => text) },
    },
    place.options,
  );
}

/**
 * The break-glass ConfigMap: empty, and from then on the business of whoever has the right to edit it. Pulumi neither
 * shows nor reverts what is written to it.
 */
export function emergencyConfigMap(place: Placement): ConfigMap {
  return new ConfigMap(
    `${place.name}-emergency`,
    {
      metadata: { name: EMERGENCY_NAME, namespace: place.namespace, labels: { ...commonLabels } },
      data: {},
    },
    { ...place.options, ignoreChanges: ["data", "binaryData"] },
  );
}
