import { createInformer, resources, type Kube } from "@gatehouse/kube";
import type { Platform } from "@gatehouse/policy";

/** Platforms of the cluster's nodes, kept up to date. */
export interface NodePlatforms {
  /** Empty until the nodes were read, which means every platform. */
  current(): readonly Platform[];
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

/**
 * Watches the nodes' labels `kubernetes.io/os` and `kubernetes.io/arch`, which the kubelet sets on every node
 * (https://kubernetes.io/docs/reference/labels-annotations-taints/). A node without them leaves the answer at every
 * platform: what it runs is not known.
 */
export function watchNodePlatforms(kube: Kube, onError: (error: unknown) => void): NodePlatforms {
  const unknown = "";
  const counts = new Map<Platform, number>();
  let synced = false;
  let platforms: readonly Platform[] = [];

  function change(platform: Platform, by: 1 | -1): void {
    const count = (counts.get(platform) ?? 0) + by;
    if (count === 0) counts.delete(platform);
    else counts.set(platform, count);
    publish();
  }
  function publish(): void {
    platforms = synced && !counts.has(unknown) ? [...counts.keys()].sort() : [];
  }

  const informer = createInformer(kube, {
    resource: resources.nodes,
    metadataOnly: true,
    transform({ metadata: { labels } }) {
      const os = labels?.["kubernetes.io/os"];
      const architecture = labels?.["kubernetes.io/arch"];
      return os === undefined || architecture === undefined ? unknown : `${os}/${architecture}`;
    },
    added: (platform) => change(platform, 1),
    updated(platform, old) {
      change(platform, 1);
      change(old, -1);
    },
    deleted: (old) => change(old, -1),
    synced() {
      synced = true;
      publish();
    },
    onError,
  });
  return { current: () => platforms, stop: () => informer.stop() };
}
