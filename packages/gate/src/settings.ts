import type { Input } from "@pulumi/pulumi";
import type { ClusterState, GateArgs, GateImage, MetricsReader, Resources } from "./args.ts";
import { DEFAULT_NAMESPACE, DEFAULT_SERVICE_ACCOUNT } from "./identity.ts";
import type { Part } from "./names.ts";

/**
 * Node 24 on Debian 13 without a shell, for amd64 and arm64. The digest is that of the index.
 * Its Dockerfile: https://github.com/GoogleContainerTools/distroless/tree/main/nodejs
 */
const DEFAULT_REPOSITORY = "distroless/nodejs24-debian13";
const DEFAULT_DIGEST = "sha256:af85d11ce7ef10172855a6e3649e3e8125b1b9e3ca41849ec2918036f05cb212";

/** Of a judge that keeps the reports of 10,000 images warm, and of an observer of 10,000 Pods. */
const DEFAULT_MEMORY = { judge: "384Mi", observer: "384Mi" } as const;
/** The observer has less: where they share a busy processor, who is waited for goes first. */
const DEFAULT_CPU = { judge: "100m", observer: "50m" } as const;

/** Every argument but the Inputs, with its default in place. */
export interface GateSettings {
  readonly policy: GateArgs["policy"];
  readonly mode: NonNullable<GateArgs["mode"]>;
  readonly combine: GateArgs["combine"];
  readonly platforms: readonly string[] | "nodes";
  readonly pin: boolean;
  readonly running: GateArgs["running"];
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly replicas: number;
  readonly image: Required<Omit<GateImage, "bundles">> & Pick<GateImage, "bundles">;
  readonly targetPort: number;
  readonly resources: Readonly<Record<Part, Readonly<Record<keyof Resources, Input<string>>>>>;
  readonly metricsFrom: readonly MetricsReader[];
  readonly clusterState: Required<ClusterState>;
  readonly failurePolicy: NonNullable<GateArgs["failurePolicy"]>;
  readonly timeoutSeconds: number;
  /** The gate's own namespace among them. */
  readonly excludedNamespaces: readonly string[];
  /** The first signs. */
  readonly caGenerations: readonly [string, ...string[]];
  readonly files: NonNullable<GateArgs["files"]>;
  readonly requireImpact: boolean;
  readonly report: string | undefined;
  readonly acknowledged: NonNullable<GateArgs["acknowledged"]>;
}

/** Puts the defaults in place of what was left out. */
export function settingsOf(args: GateArgs): GateSettings {
  const mode = args.mode ?? "audit";
  const namespace = args.namespace ?? DEFAULT_NAMESPACE;
  const [signer = "1", ...others] = args.caGenerations ?? ["1"];
  return {
    policy: args.policy,
    mode,
    combine: args.combine,
    platforms: args.platforms ?? "nodes",
    pin: args.pin ?? mode === "deny",
    running: args.running,
    namespace,
    serviceAccount: args.serviceAccount ?? DEFAULT_SERVICE_ACCOUNT,
    replicas: args.replicas ?? 2,
    image: {
      node: "/nodejs/bin/node",
      ...(args.image ?? {
        reference: `${args.registry ?? "gcr.io"}/${DEFAULT_REPOSITORY}@${DEFAULT_DIGEST}`,
      }),
    },
    targetPort: args.targetPort ?? 9443,
    resources: {
      judge: { cpu: DEFAULT_CPU.judge, memory: DEFAULT_MEMORY.judge, ...args.resources },
      observer: { cpu: DEFAULT_CPU.observer, memory: DEFAULT_MEMORY.observer, ...args.observerResources },
    },
    metricsFrom: args.metricsFrom ?? [],
    clusterState: { reports: true, events: "denied", ...args.clusterState },
    failurePolicy: args.failurePolicy ?? (mode === "deny" ? "Fail" : "Ignore"),
    timeoutSeconds: args.timeoutSeconds ?? 10,
    excludedNamespaces: [
      ...new Set([
        ...(args.excludedNamespaces ?? ["kube-system", "kube-node-lease", "kube-public"]),
        namespace,
      ]),
    ].sort(),
    caGenerations: [signer, ...others],
    files: args.files ?? {},
    requireImpact: args.preview?.requireImpact ?? true,
    report: args.preview?.report,
    acknowledged: args.acknowledged ?? {},
  };
}
