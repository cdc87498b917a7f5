/** What the doctor learns of a cluster before it says anything. Plain data: checks are pure functions of it. */
import type { GateConfig } from "@gatehouse/policy";

/** Something that was learned, or why it could not be. */
export type Known<T> = { readonly value: T } | { readonly why: string };

/** A webhook configuration, as far as it matters here. */
export interface Registration {
  readonly annotations: Readonly<Record<string, string>>;
  readonly failurePolicy: string;
  readonly timeoutSeconds: number;
  /** PEM certificates. */
  readonly caBundle: string;
  /** `namespace/name` that is called. */
  readonly service: string;
  /** Namespaces that never reach it; undefined when its condition is not the one that `Gate` writes. */
  readonly excluded: readonly string[] | undefined;
}

/** A Deployment of the gate. */
export interface DeploymentFacts {
  readonly name: string;
  readonly part: "judge" | "observer";
  readonly wanted: number;
  readonly ready: number;
  /** Of the condition that says that a roll-out got stuck. */
  readonly stuck: string | undefined;
}

/** A Pod of the gate. */
export interface PodFacts {
  readonly name: string;
  readonly part: "judge" | "observer";
  readonly node: string | undefined;
  readonly ready: boolean;
  readonly policyHash: string | undefined;
  /** Restarts of its container, and what it said when it ended last. */
  readonly restarts: number;
  readonly lastWords: string | undefined;
}

/** How the creation of a harmless Pod ended, as a dry run. */
export interface DryRun {
  readonly namespace: string;
  /** `judged`: denied by the gate, or admitted with its warning. `silent`: admitted without a word. */
  readonly outcome: "judged" | "silent" | "webhook-failed" | "refused-by-others";
  /** What the API server said. */
  readonly said: string;
}

/** What a cluster cannot do without, and would have to be admitted again after a loss. */
export interface Vital {
  readonly what: "network (CNI)" | "storage (CSI)" | "autoscaler" | "DNS" | "webhook backend";
  readonly namespace: string;
  /** `Kind/name`. */
  readonly name: string;
}

/** One sample of a metric. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What the observer knows of one source's reports. */
export interface SourceScans {
  readonly source: string;
  /** Reports by state. */
  readonly states: Readonly<Record<string, number>>;
  /** RFC 3339. */
  readonly newestScan: string | undefined;
  /** One reason for each state that is not complete. */
  readonly reasons: Readonly<Record<string, string>>;
}

/** All that is learned. Each question may have failed by itself, and is then {@link Known} with its reason. */
export interface ClusterFacts {
  /** The gate's. */
  readonly namespace: string;
  /** Milliseconds since 1970: this machine's, and by how much the others are ahead of it. */
  readonly now: number;
  readonly ahead: { readonly apiServer: Known<number>; readonly judge: Known<number> };
  readonly version: Known<{ major: number; minor: number; gitVersion: string }>;
  /** Whether ValidatingAdmissionPolicy is served. */
  readonly policies: Known<boolean>;
  readonly rights: readonly {
    readonly who: string;
    readonly what: string;
    readonly allowed: Known<boolean>;
  }[];
  readonly validating: Known<Registration | undefined>;
  readonly pinning: Known<Registration | undefined>;
  readonly deployments: Known<readonly DeploymentFacts[]>;
  readonly pods: Known<readonly PodFacts[]>;
  /** Certificates of the gate's authorities by the name of their Secret, PEM. */
  readonly authorities: Known<Readonly<Record<string, string>>>;
  /** What the judges are told. */
  readonly config: Known<GateConfig>;
  readonly dryRun: Known<DryRun>;
  readonly judgeMetrics: Known<readonly Sample[]>;
  readonly observerMetrics: Known<readonly Sample[]>;
  readonly vitals: Known<readonly Vital[]>;
  readonly scans: Known<readonly SourceScans[]>;
}

/** Runs a question whose failure is a fact too. */
export async function known<T>(ask: () => Promise<T>): Promise<Known<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}
