/** Where the gate stands. A fact that was not given is unknown: rules that ask for it apply, exemptions do not. */
export interface Cluster {
  name: string;
  cloud?: "azure" | "aws" | "gcp" | (string & {});
  /** Azure subscription, AWS account or Google project. */
  account?: string;
  region?: string;
  labels?: Readonly<Record<string, string>>;
}

/** The top owner of what is judged, resolved by UID. */
export type Workload =
  | { resolved: true; kind: string; name: string; uid?: string }
  | { resolved: false; reason: string };

/** One place in an object that names an image. */
export interface ImageUse {
  /** Field path, such as `spec.template.spec.initContainers[0].image`. */
  path: string;
  /** The reference as written. */
  reference: string;
  /** Name of the container or volume. */
  name: string;
  kind: "container" | "initContainer" | "ephemeralContainer" | "imageVolume";
}

/** What is judged: one object's images, and all that scopes may ask about it. */
export interface Subject {
  cluster: Cluster;
  namespace: {
    name: string;
    /** Absent when they could not be read. */
    labels?: Readonly<Record<string, string>>;
  };
  object: {
    /** Kind as in the object, `Pod`, `Deployment`, … */
    kind: string;
    /** Empty when the API server is to generate it. */
    name: string;
    labels: Readonly<Record<string, string>>;
    uid?: string;
  };
  /** The name, or name prefix, that the Pods have or will have. */
  pod: string;
  workload: Workload;
  images: readonly ImageUse[];
  /** Digests by `registry/repository` that are on record as running in this namespace, for `running: { admitUntil }`. */
  running?: readonly { repository: string; digests: readonly string[] }[];
}

/** `namespace/Kind/name` of the top owner; of the object itself, or of its Pods, where that is not known. */
export function ownerName({ namespace, object, pod, workload }: Subject): string {
  return workload.resolved
    ? `${namespace.name}/${workload.kind}/${workload.name}`
    : `${namespace.name}/${object.kind}/${object.name || pod}`;
}
