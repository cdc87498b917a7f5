import * as pulumi from "@pulumi/pulumi";
import { Firewall } from "@pulumi/gcp/compute/firewall.js";
import { getClusterOutput } from "@pulumi/gcp/container/getCluster.js";
import {
  argumentError,
  execKubeconfig,
  isLater,
  matching,
  oneOf,
  whole,
  type ClusterFacts,
} from "@gatehouse/gate/components";
import type { Problem } from "@gatehouse/policy";
import { issuerOfGke, partsOf, serverOf, unfitGke, type GkeDescription } from "./gke-fit.ts";

/** Which of a cluster's addresses to use. */
export const GkeEndpoint = {
  /** The one that the cluster names first: public, or private where it has no public one. */
  Default: "default",
  /** The address inside the cluster's network. */
  Private: "private",
  /** The name under gke.goog, which needs no network of the cluster. */
  Dns: "dns",
} as const;
/** The address that kubeconfigs of the cluster are made with. */
export type GkeEndpoint = (typeof GkeEndpoint)[keyof typeof GkeEndpoint];

/** The port that Google's own firewall rule lets the control plane reach on private nodes. */
export const GKE_TARGET_PORT = 10_250;

/** A firewall rule from the control plane to the gate's Pods. */
export interface GkeFirewall {
  /** The port that the gate listens on, 1024 to 65535. */
  port: number;
  /** Network tags of the nodes that the gate runs on. */
  targetTags: pulumi.Input<string>[];
}

/** Arguments of `GkeCluster`. */
export interface GkeClusterArgs {
  /** The cluster's name. */
  clusterName: pulumi.Input<string>;
  /** Its region or zone. */
  location: pulumi.Input<string>;
  /** @default the provider's */
  project?: pulumi.Input<string>;
  /** Labels that rules may ask for. Never the cluster's own, which others may change. @default {} */
  labels?: pulumi.Input<Record<string, string>>;
  /** @default GkeEndpoint.Default */
  endpoint?: GkeEndpoint;
  /**
   * Makes a firewall rule for a port of your choice, on clusters with private nodes whose control plane has a range of
   * its own. Without it the gate listens on 10250, which needs none.
   * @default none
   */
  firewall?: GkeFirewall;
}

/**
 * A GKE cluster that exists: its kubeconfig, issuer, facts and the port for its gate. Creates nothing but, on request, a
 * firewall rule.
 *
 * @example
 * const cluster = new GkeCluster("cluster", { clusterName: "shop-prod", location: "europe-west1" });
 * new Gate("gate", { cluster: cluster.facts, kubeconfig: cluster.kubeconfig, targetPort: cluster.targetPort, … });
 */
export class GkeCluster extends pulumi.ComponentResource {
  /** Holds no credential: gke-gcloud-auth-plugin proves who asks. */
  readonly kubeconfig: pulumi.Output<string>;
  /** The cluster's OIDC issuer, for registries. */
  readonly issuer: pulumi.Output<string>;
  /** For `Gate.cluster`. */
  readonly facts: ClusterFacts;
  /** For `Gate.targetPort`. */
  readonly targetPort: number;
  /** For `ArtifactRegistryScanning.metadata`; empty where the cluster has no workload identity. */
  readonly workloadPool: pulumi.Output<string>;

  /** @throws ResourceError naming every argument that must be mended, or what keeps the cluster from carrying a gate */
  constructor(name: string, args: GkeClusterArgs, opts: pulumi.ComponentResourceOptions = {}) {
    const problems = problemsOfGke(args);
    if (problems.length > 0) throw argumentError("GkeCluster", name, problems);
    super("gatehouse:gcp:GkeCluster", name, {}, opts);
    const endpoint = args.endpoint ?? GkeEndpoint.Default;

    const cluster = getClusterOutput(
      {
        name: args.clusterName,
        location: args.location,
        ...(args.project === undefined ? {} : { project: args.project }),
      },
      { parent: this },
    ).apply((found): GkeDescription => {
      const unfit = unfitGke(found, endpoint, args.firewall !== undefined);
      if (unfit.length > 0) throw argumentError("GkeCluster", name, unfit);
      return found;
    });
    this.issuer = cluster.apply(issuerOfGke);
    this.kubeconfig = cluster.apply((found) =>
      execKubeconfig({
        name: found.name,
        ...serverOf(found, endpoint),
        exec: {
          command: "gke-gcloud-auth-plugin",
          args: [],
          installHint: "Install it: gcloud components install gke-gcloud-auth-plugin",
        },
      }),
    );
    this.facts = {
      name: cluster.apply((found) => found.name),
      cloud: "gcp",
      account: cluster.apply(({ id }) => partsOf(id).project),
      region: cluster.apply(({ id }) => partsOf(id).location),
      labels: args.labels ?? {},
    };
    this.workloadPool = cluster.apply(
      ({ workloadIdentityConfigs }) => workloadIdentityConfigs[0]?.workloadPool ?? "",
    );
    this.targetPort = args.firewall?.port ?? GKE_TARGET_PORT;
    const rule = args.firewall === undefined ? undefined : allow(name, args.firewall, cluster, this);
    this.registerOutputs({ issuer: this.issuer, kubeconfig: this.kubeconfig, firewall: rule?.id });
  }
}

function allow(
  name: string,
  { port, targetTags }: GkeFirewall,
  cluster: pulumi.Output<GkeDescription>,
  parent: pulumi.Resource,
): Firewall {
  return new Firewall(
    `${name}-webhook`,
    {
      project: cluster.apply(({ id }) => partsOf(id).project),
      network: cluster.apply(({ network }) => network),
      description: "GKE's control plane calls Gatehouse",
      direction: "INGRESS",
      sourceRanges: [
        cluster.apply(({ privateClusterConfigs }) => privateClusterConfigs[0]?.masterIpv4CidrBlock ?? ""),
      ],
      targetTags,
      allows: [{ protocol: "tcp", ports: [String(port)] }],
    },
    { parent },
  );
}

function problemsOfGke(args: GkeClusterArgs): Problem[] {
  const text = (path: string, value: unknown, form: RegExp, expected: string) =>
    isLater(value) ? [] : matching(path, value, form, expected);
  const tags: unknown = args.firewall?.targetTags;
  return [
    ...text("clusterName", args.clusterName, /^[a-z][a-z0-9-]{0,39}$/, "the name of a GKE cluster"),
    ...text(
      "location",
      args.location,
      /^[a-z]+(-[a-z]+)+\d(-[a-z])?$/,
      "a region or zone, such as europe-west1",
    ),
    // The issuer is named by the project's id.
    ...(args.project === undefined
      ? []
      : text("project", args.project, /^[a-z][a-z0-9.:-]+$/, "the id of a project, not its number")),
    ...oneOf("endpoint", args.endpoint, Object.values(GkeEndpoint)),
    ...(args.firewall === undefined
      ? []
      : [
          ...whole("firewall.port", args.firewall.port, 1024, 65_535, "the gate does not run as root"),
          ...(Array.isArray(tags) && tags.length > 0
            ? []
            : [
                {
                  path: "firewall.targetTags",
                  problem:
                    "expected at least one tag of the nodes; without any, the rule would open all of the network",
                },
              ]),
        ]),
  ];
}
