import type { Input } from "@pulumi/pulumi";
import type { input as k8s } from "@pulumi/kubernetes/types/index.js";
import type { ExploitFeedConfig, Policy, RunningDigests, SourceConfig } from "@gatehouse/policy";

/** Whether a cluster's gate enforces. */
export const GateMode = { Audit: "audit", Deny: "deny" } as const;
/** A gate in `audit` admits what its rules deny, with a warning. */
export type GateMode = (typeof GateMode)[keyof typeof GateMode];

/** What the API server does when no gate answers. */
export const FailurePolicy = { Ignore: "Ignore", Fail: "Fail" } as const;
/** As a webhook's `failurePolicy` has it: `Ignore` admits, `Fail` refuses. */
export type FailurePolicy = (typeof FailurePolicy)[keyof typeof FailurePolicy];

/** Which report counts when several sources cover an image. */
export const Combine = { First: "first", Worst: "worst" } as const;
/** `first` takes the sources in their order; `worst` judges by each and lets the worst verdict count. */
export type Combine = (typeof Combine)[keyof typeof Combine];

/** How events are sent to a sink. */
export const EventSinkFormat = {
  /** Many in one request: the JSON batch format of CloudEvents. */
  Batched: "batched",
  /** One in each, for receivers that know no batches. */
  Structured: "structured",
} as const;
/** A content mode of CloudEvents over HTTP; it decides the `Content-Type` of requests. */
export type EventSinkFormat = (typeof EventSinkFormat)[keyof typeof EventSinkFormat];

/** Of which admissions the owner in the cluster gets a Kubernetes Event. */
export const KubernetesEvents = { None: "none", Denied: "denied", All: "all" } as const;
/** `all` adds what was audited to what was denied. */
export type KubernetesEvents = (typeof KubernetesEvents)[keyof typeof KubernetesEvents];

/** What rules may ask of a cluster. */
export interface ClusterFacts {
  /** Shown in every event. */
  name: Input<string>;
  /** `azure`, `aws`, `gcp` or a name of your own. */
  cloud?: Input<string>;
  /** Azure subscription, AWS account or Google project. */
  account?: Input<string>;
  region?: Input<string>;
  labels?: Input<Record<string, string>>;
}

/** The image that the gate runs in. */
export interface GateImage {
  /** `REGISTRY/REPOSITORY[:TAG]@sha256:…`: a digest is required, since the gate cannot judge itself. */
  reference: string;
  /** Where Node 24 is in it. @default "/nodejs/bin/node" */
  node?: string;
  /**
   * Folder in the image that holds `judge.mjs` and `observer.mjs`: your own, signed image. Nothing is then read from
   * a ConfigMap but policy and config. Absent for a stock Node image, which gets the bundle from a ConfigMap.
   */
  bundles?: string;
}

/** CPU and memory, as Kubernetes writes them. */
export interface Resources {
  /**
   * Requested; there is no limit, since throttling would answer late just when many Pods start.
   * @default "100m", and "50m" for the observer
   */
  cpu?: Input<string>;
  /**
   * Requested, and the limit; at least 128Mi. Node's heap is sized by it.
   * @default "384Mi"
   */
  memory?: Input<string>;
}

/** A receiver of the gate's events (CloudEvents 1.0 over HTTP). */
export interface EventSink {
  /**
   * Where events are posted to: https, or http for a service of the cluster. It stands in a ConfigMap, so what is
   * secret belongs into `headers`.
   * @example url: "https://events.example/gatehouse"
   */
  url: Input<string>;
  /**
   * Headers that prove who sends. They are kept in a Secret that the observer alone mounts, and encrypted in Pulumi's
   * state.
   * @default {}
   * @example headers: { Authorization: pulumi.interpolate`Bearer ${config.requireSecret("sinkToken")}` }
   */
  headers?: Record<string, Input<string>>;
  /** PEM certificates of the receiver's authority, trusted for it alone. @default the public ones and `caBundle` */
  ca?: Input<string>;
  /** @default EventSinkFormat.Batched */
  format?: EventSinkFormat;
}

/** What the observer writes into the cluster. It has no right to write what is switched off. */
export interface ClusterState {
  /**
   * A report for each workload, of the kind that the cluster serves (OpenReports, else PolicyReport; else none).
   * @default true
   */
  reports?: boolean;
  /** Kubernetes Events on the owners of what was denied, or of what was audited too. @default KubernetesEvents.Denied */
  events?: KubernetesEvents;
}

/** Who may read metrics: Pods of a namespace, or addresses, for what runs on the nodes' own network. */
export type MetricsReader =
  | {
      /** By its name, which nobody can give to another. */
      namespace: string;
      /** Only Pods with these labels. @default all of the namespace */
      podLabels?: Record<string, string>;
    }
  | {
      /** @example cidr: "10.0.0.0/16" */
      cidr: string;
    };

/** How the gate reaches what is outside its cluster. */
export interface Proxy {
  /** `http://HOST:PORT` */
  https: Input<string>;
  /** Hosts to reach directly, beside the cluster's own. */
  except?: Input<string>[];
}

/** What the preview asks for before a rule denies. */
export interface PreviewArgs {
  /** Folder to write the impact to, as JSON, Markdown and SARIF. @default none is written */
  report?: string;
  /**
   * Whether a change that might newly deny must have its impact judged first. With false, a gate that is absent or
   * does not answer no longer stops such a change.
   * @default true
   */
  requireImpact?: boolean;
}

/** Workloads that a rule may newly deny: rule → `namespace/Kind/name` of top owners. */
export type Acknowledged = Readonly<Record<string, readonly string[]>>;

/** Arguments of `Gate`. Only `policy` and `cluster` are required. */
export interface GateArgs {
  /**
   * The rules. A plain value and not an Input: its hash names the objects that carry it.
   * @example policy: definePolicy({ rules: { … } })
   */
  policy: Policy;
  /** Whether rules may deny in this cluster. @default GateMode.Audit */
  mode?: GateMode;
  /** What rules may ask of the cluster. */
  cluster: ClusterFacts;
  /**
   * Where scan reports come from. A registry that none names is never dialled. Endpoints other than the clouds' own
   * (private endpoints, sovereign clouds, a registry in the cluster) are fields of a source and of its credentials,
   * beside what they replace: `endpoint`, `ecrEndpoint`, `inspectorEndpoint`, `stsEndpoint`, `iamCredentialsEndpoint`,
   * `authority`, `resourceManager`. A source that a cloud's component made takes them too.
   * @default []
   * @example sources: [ecr.source.apply((source) => ({ ...source, ecrEndpoint: "https://vpce-1.api.ecr.example" }))]
   */
  sources?: Input<SourceConfig>[];
  /** Which report counts when several sources cover an image. @default Combine.First */
  combine?: Combine;
  /**
   * EPSS and CISA's known exploited vulnerabilities, for sources that know neither: a file that `gatehouse feed` wrote
   * and that `files` mounts.
   * @default none
   * @example exploitFeed: { file: `${filesDirectory("feed")}/feed.json` }, files: { feed: { "feed.json": text } }
   */
  exploitFeed?: ExploitFeedConfig;
  /**
   * What the cluster can schedule, as `os/architecture`. Without it, the gate reads the labels of the nodes while it
   * runs; until it has, every platform that an image is built for is judged.
   * @default those of the nodes
   */
  platforms?: string[];
  /** Pins Pods to the digest that was judged. @default true in mode deny; false in mode audit, where it must be */
  pin?: boolean;
  /** Digests that may be scheduled again while a rule's `running.admitUntil` lasts; `gatehouse running` writes them. */
  running?: RunningDigests;

  /** The namespace that is made for the gate. Nothing else should live there. @default "gatehouse" */
  namespace?: string;
  /**
   * The judges' service account. The observer has one of its own, named after it with `-observer`.
   * @default "gatehouse"
   */
  serviceAccount?: string;
  /** Annotations of both service accounts, for the clouds' native workload identity. @default none */
  serviceAccountAnnotations?: Record<string, Input<string>>;
  /** Labels of the Pods, for the clouds' native workload identity. @default none */
  podLabels?: Record<string, Input<string>>;
  /** Replicas of the judge; at least 2. @default 2 */
  replicas?: number;
  /** Of each judge. */
  resources?: Resources;
  /** Of the observer, whose memory grows with the workloads and images of the cluster. */
  observerResources?: Resources;
  /** @default a distroless Node 24 image, by digest */
  image?: GateImage;
  /** Folder with the built `judge.mjs` and `observer.mjs`. @default those of this package */
  bundles?: string;
  /** Takes the default image from this registry instead of gcr.io: a mirror or a pull-through cache. @default "gcr.io" */
  registry?: string;
  /** Secrets of the gate's namespace to pull its image with. @default [] */
  imagePullSecrets?: Input<string>[];
  /** @default [] */
  tolerations?: k8s.core.v1.Toleration[];
  /**
   * The port that the judge listens on. On private GKE clusters 10250, which Google's own firewall rule lets the
   * control plane reach; on EKS with Fargate anything but 10250. Never 9464, where the metrics are.
   * @default 9443
   */
  targetPort?: number;
  /**
   * Who may read the metrics of judge and observer, on a port of their own (9464, TLS): where Prometheus runs. The
   * NetworkPolicy keeps everybody else out, on clusters that enforce those.
   * @default [], which is nobody
   * @example metricsFrom: [{ namespace: "monitoring", podLabels: { "app.kubernetes.io/name": "prometheus" } }]
   */
  metricsFrom?: MetricsReader[];
  /**
   * Projected service account tokens that the gate exchanges for a cloud's credentials: name → audience. Each is
   * mounted at `tokenFile(name)`, which sources refer to.
   * @default {}
   * @example tokenAudiences: { aws: "sts.amazonaws.com" }
   */
  tokenAudiences?: Record<string, Input<string>>;
  /**
   * Folders for sources of type `file`: name → file name → content, mounted at `filesDirectory(name)`. They travel as
   * ConfigMaps: at most 900 KiB for one file and 16 MiB for all.
   * @default {}
   */
  files?: Record<string, Record<string, string>>;
  /** @default no proxy */
  proxy?: Proxy;
  /** PEM certificates that the gate trusts beside the public ones: a TLS proxy's, a private registry's. @default none */
  caBundle?: Input<string>;

  /** Where events go beside standard output. @default nowhere */
  eventSink?: EventSink;
  /** What the observer writes into the cluster. @default reports, and Kubernetes Events of what was denied */
  clusterState?: ClusterState;

  /** What happens when no gate answers. @default Ignore in mode audit, Fail in mode deny */
  failurePolicy?: FailurePolicy;
  /** Seconds that the API server waits for an answer, 1 to 30. @default 10 */
  timeoutSeconds?: number;
  /**
   * Namespaces whose objects never reach the gate, beside its own. By name, never by a label that somebody could set.
   * @default ["kube-system", "kube-node-lease", "kube-public"]
   */
  excludedNamespaces?: string[];

  /**
   * Names of the certificate authorities, the signing one first. To rotate: add the new one at the end and run
   * `pulumi up`, then remove the old one and run it again.
   * @default ["1"]
   */
  caGenerations?: string[];

  /** What the preview asks for before a rule denies. */
  preview?: PreviewArgs;
  /** Workloads that may be newly denied; the preview prints the block to paste. @default {} */
  acknowledged?: Acknowledged;

  /**
   * The cluster's kubeconfig, for the preview's questions and, unless a provider is given, for deploying. Its text or
   * a file's path.
   * @default what kubectl would use
   */
  kubeconfig?: Input<string>;
  /** @default the kubeconfig's current context */
  context?: string;
}
