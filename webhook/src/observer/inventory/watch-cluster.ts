/** Follows everything in the cluster that is judged. */
import { createInformer, resources, type Informer, type Kube, type Resource } from "@gatehouse/kube";
import { holdObject, sameHeld, type Held } from "./held.ts";
import { createInterner } from "./intern.ts";
import { createWorkloadGraph, type WorkloadGraph } from "./workload-graph.ts";

/** What is known of the cluster. */
export interface ClusterWatch {
  readonly workloads: Pick<WorkloadGraph, "get" | "values" | "size">;
  /** Labels of a namespace; undefined when it is not known. */
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  /** Objects held, by kind. */
  counts(): Readonly<Record<string, number>>;
  /** The least recent moment at which any kind was known to be up to date; undefined until all were listed. */
  lastHeard(): number | undefined;
  /** Resolves when everything was listed once; rejects when stopped before. */
  readonly whenSynced: Promise<void>;
  stop(): Promise<void>;
}

/** What is followed, and who is told of what changes. */
export interface ClusterWatchOptions {
  /** Objects in these are not held, since the gate does not judge them. */
  excludedNamespaces: readonly string[];
  /** Told of every workload that changed, by key, once everything was listed. */
  workloadChanged: (key: string) => void;
  /** Told of every namespace whose labels changed. */
  namespaceChanged: (name: string) => void;
  /** A watch failed; it goes on by itself. */
  onError: (error: unknown) => void;
  /** Objects in one page of a list. Pods are large. @default 100 */
  pageSize?: number;
}

/** Owners before what they own, so that little has to be placed twice. */
const watched: readonly Resource[] = [
  resources.deployments,
  resources.statefulSets,
  resources.daemonSets,
  resources.cronJobs,
  resources.replicationControllers,
  resources.podTemplates,
  resources.replicaSets,
  resources.jobs,
  resources.pods,
];

/** Starts to follow a cluster. */
export function watchCluster(kube: Kube, options: ClusterWatchOptions): ClusterWatch {
  const excluded = new Set(options.excludedNamespaces);
  const intern = createInterner();
  const { onError } = options;
  const pageSize = options.pageSize ?? 100;
  let synced = false;
  const graph = createWorkloadGraph((key) => {
    if (synced) options.workloadChanged(key);
  });

  const follow = (resource: Resource): Informer<Held> =>
    createInformer(kube, {
      resource,
      pageSize,
      transform: (object) =>
        excluded.has(object.metadata.namespace ?? "") ? undefined : holdObject(object, intern),
      added: (held) => graph.put(held),
      updated: (held, old) => {
        if (!sameHeld(held, old)) graph.put(held);
      },
      deleted: (held) => graph.remove(held.uid),
      onError,
    });
  const objects = watched.map((resource) => [resource.kind, follow(resource)] as const);
  const namespaces = createInformer(kube, {
    resource: resources.namespaces,
    metadataOnly: true,
    pageSize: 500,
    transform: ({ metadata }) => ({ name: metadata.name, labels: intern({ ...metadata.labels }) }),
    added: ({ name }) => options.namespaceChanged(name),
    updated: ({ name, labels }, old) => {
      if (labels !== old.labels) options.namespaceChanged(name);
    },
    deleted: ({ name }) => options.namespaceChanged(name),
    onError,
  });
  const informers = [namespaces, ...objects.map(([, informer]) => informer)];
  const whenSynced = Promise.all(informers.map((informer) => informer.whenSynced)).then(() => {
    synced = true;
    for (const { key } of graph.values()) options.workloadChanged(key);
    return undefined;
  });
  // Whoever does not wait for it shall not be ended by its rejection.
  whenSynced.catch(() => undefined);

  return {
    workloads: graph,
    namespaceLabels: (name) => namespaces.get({ name })?.labels,
    counts: () => Object.fromEntries(objects.map(([kind, informer]) => [kind, informer.size])),
    lastHeard() {
      const heard = informers.map((informer) => informer.lastHeard());
      return heard.reduce((a, b) => (a === undefined || b === undefined ? undefined : Math.min(a, b)));
    },
    whenSynced,
    async stop() {
      await Promise.all(informers.map((informer) => informer.stop()));
    },
  };
}
