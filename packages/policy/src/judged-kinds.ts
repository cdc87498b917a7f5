/** A kind of object that carries a Pod spec and is therefore judged. */
export interface JudgedKind {
  /** Empty for the core group. */
  apiGroup: string;
  version: string;
  kind: string;
  /** Resource name, as in webhook rules. */
  plural: string;
  /** Field names from the object to its Pod spec. */
  podSpec: readonly string[];
}

/**
 * Every built-in kind that carries a Pod spec. Webhook rules, match conditions, the extractor and the observer all
 * come from this table, so that none of them knows a kind that another does not.
 * Source: the Kubernetes API reference, workload resources (https://kubernetes.io/docs/reference/kubernetes-api/).
 */
export const judgedKinds = [
  { apiGroup: "", version: "v1", kind: "Pod", plural: "pods", podSpec: ["spec"] },
  { apiGroup: "", version: "v1", kind: "PodTemplate", plural: "podtemplates", podSpec: ["template", "spec"] },
  {
    apiGroup: "",
    version: "v1",
    kind: "ReplicationController",
    plural: "replicationcontrollers",
    podSpec: ["spec", "template", "spec"],
  },
  {
    apiGroup: "apps",
    version: "v1",
    kind: "ReplicaSet",
    plural: "replicasets",
    podSpec: ["spec", "template", "spec"],
  },
  {
    apiGroup: "apps",
    version: "v1",
    kind: "Deployment",
    plural: "deployments",
    podSpec: ["spec", "template", "spec"],
  },
  {
    apiGroup: "apps",
    version: "v1",
    kind: "StatefulSet",
    plural: "statefulsets",
    podSpec: ["spec", "template", "spec"],
  },
  {
    apiGroup: "apps",
    version: "v1",
    kind: "DaemonSet",
    plural: "daemonsets",
    podSpec: ["spec", "template", "spec"],
  },
  { apiGroup: "batch", version: "v1", kind: "Job", plural: "jobs", podSpec: ["spec", "template", "spec"] },
  {
    apiGroup: "batch",
    version: "v1",
    kind: "CronJob",
    plural: "cronjobs",
    podSpec: ["spec", "jobTemplate", "spec", "template", "spec"],
  },
] as const satisfies readonly JudgedKind[];

/** Lists of a Pod spec whose entries name an image: at `image`, for volumes at `image.reference`. */
export const imageLists = [
  { list: "containers", kind: "container" },
  { list: "initContainers", kind: "initContainer" },
  { list: "ephemeralContainers", kind: "ephemeralContainer" },
  { list: "volumes", kind: "imageVolume" },
] as const;

/** `apiVersion` as objects of this kind write it. */
export function apiVersionOf(kind: JudgedKind): string {
  return kind.apiGroup === "" ? kind.version : `${kind.apiGroup}/${kind.version}`;
}

/** The kind of an object by its `apiVersion` and `kind`; undefined when no such kind is judged. */
export function judgedKind(apiVersion: unknown, kind: unknown): JudgedKind | undefined {
  return judgedKinds.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
}
