import { resources, type Kube, type KubeObject } from "@gatehouse/kube";
import { judgedKinds } from "@gatehouse/policy";
import { judgingFrom, type Judging } from "../judging.ts";
import { annotations, EMERGENCY_NAME, VALIDATING_NAME } from "../names.ts";

/** Oldest Kubernetes that serves all that the gate is made of, and is still supported by the clouds. */
export const OLDEST_MINOR = 31;

/** What a cluster's gate says of itself. */
export interface InForce {
  /** `project/stack/name`; undefined when no Gate of ours wrote it. */
  readonly owner: string | undefined;
  readonly policyHash: string | undefined;
  readonly mode: string | undefined;
  /** Undefined also when it was written by a version that says nothing of it. */
  readonly judging: Judging | undefined;
}

/** What the guard reads of a cluster. */
export interface ClusterState {
  /** Such as `v1.34.2`. */
  readonly version: string;
  readonly supported: boolean;
  /** Undefined when no gate is registered. */
  readonly gate: InForce | undefined;
  /** Break-glass exemptions that somebody has put into the cluster, by name. */
  readonly emergencies: readonly string[];
}

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * Reads version, registered gate and break-glass. What is in force is read from the registration, which is written when a roll-out
 * has succeeded: Pulumi's own state already holds what a failed one wanted.
 *
 * @throws KubeError
 */
export async function readClusterState(kube: Kube, namespace: string): Promise<ClusterState> {
  const { major, minor, gitVersion } = await kube.serverVersion();
  const webhook = await kube.find(
    resources.validatingWebhooks,
    { name: VALIDATING_NAME },
    { metadataOnly: true },
  );
  const emergency = await kube.find<ConfigMap>(resources.configMaps, { namespace, name: EMERGENCY_NAME });
  const noted = webhook?.metadata.annotations ?? {};
  return {
    version: gitVersion,
    supported: major > 1 || (major === 1 && minor >= OLDEST_MINOR),
    gate: webhook && {
      owner: noted[annotations.owner],
      policyHash: noted[annotations.policyHash],
      mode: noted[annotations.mode],
      judging: judgingFrom(noted[annotations.judging]),
    },
    emergencies: Object.keys(emergency?.data ?? {}).sort(),
  };
}

/**
 * Whether anything runs, or is described to run, outside the excluded namespaces. In a cluster without workloads no
 * rule can newly deny one.
 *
 * @throws KubeError
 */
export async function hasWorkloads(kube: Kube, excludedNamespaces: readonly string[]): Promise<boolean> {
  const fieldSelector = excludedNamespaces.map((name) => `metadata.namespace!=${name}`).join(",");
  for (const { apiGroup, version, kind, plural } of judgedKinds) {
    const resource = { group: apiGroup, version, kind, plural, namespaced: true };
    for await (const page of kube.pages(resource, { fieldSelector, metadataOnly: true, limit: 1 })) {
      if (page.items.length > 0) return true;
    }
  }
  return false;
}
