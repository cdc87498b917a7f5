import * as pulumi from "@pulumi/pulumi";
import { getClusterOutput } from "@pulumi/aws/eks/getCluster.js";
import {
  argumentError,
  execKubeconfig,
  isLater,
  matching,
  type ClusterFacts,
} from "@gatehouse/gate/components";
import { certificateOf, issuerOfEks, unfitEks, type EksDescription } from "./eks-fit.ts";

/** Arguments of `EksCluster`. */
export interface EksClusterArgs {
  /** The cluster's name. */
  clusterName: pulumi.Input<string>;
  /** @default the provider's */
  region?: pulumi.Input<string>;
  /** Labels that rules may ask for. Never the cluster's tags, which others may change. @default {} */
  labels?: pulumi.Input<Record<string, string>>;
  /** Profile of the AWS CLI that the kubeconfig names. @default that of the environment */
  profile?: pulumi.Input<string>;
  /** Role that the AWS CLI takes to reach the cluster. @default none */
  roleArn?: pulumi.Input<string>;
}

/**
 * An EKS cluster that exists: its kubeconfig, issuer and facts. Creates nothing.
 *
 * @example
 * const cluster = new EksCluster("cluster", { clusterName: "shop-prod", labels: { tier: "prod" } });
 * new Gate("gate", { cluster: cluster.facts, kubeconfig: cluster.kubeconfig, … });
 */
export class EksCluster extends pulumi.ComponentResource {
  /** Holds no credential: `aws eks get-token` proves who asks. */
  readonly kubeconfig: pulumi.Output<string>;
  /** The cluster's OIDC issuer, for registries. */
  readonly issuer: pulumi.Output<string>;
  /** For `Gate.cluster`. */
  readonly facts: ClusterFacts;

  /** @throws ResourceError when the name is missing, or the cluster cannot carry a gate */
  constructor(name: string, args: EksClusterArgs, opts: pulumi.ComponentResourceOptions = {}) {
    const problems = isLater(args.clusterName)
      ? []
      : matching(
          "clusterName",
          args.clusterName,
          /^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$/,
          "the name of an EKS cluster",
        );
    if (problems.length > 0) throw argumentError("EksCluster", name, problems);
    super("gatehouse:aws:EksCluster", name, {}, opts);

    const cluster = getClusterOutput(
      { name: args.clusterName, ...(args.region === undefined ? {} : { region: args.region }) },
      { parent: this },
    ).apply((found) => {
      const unfit = unfitEks(found);
      if (unfit.length > 0) throw argumentError("EksCluster", name, unfit);
      return found;
    });
    this.issuer = cluster.apply(issuerOfEks);
    this.kubeconfig = pulumi
      .all([cluster, args.profile, args.roleArn])
      .apply(([found, profile, roleArn]) => eksKubeconfig(found, profile, roleArn));
    this.facts = {
      name: cluster.name,
      cloud: "aws",
      account: cluster.apply(({ arn }) => arn.split(":")[4] ?? ""),
      region: cluster.region,
      labels: args.labels ?? {},
    };
    this.registerOutputs({ issuer: this.issuer, kubeconfig: this.kubeconfig });
  }
}

function eksKubeconfig(
  cluster: EksDescription,
  profile: string | undefined,
  roleArn: string | undefined,
): string {
  return execKubeconfig({
    name: cluster.name,
    server: cluster.endpoint,
    certificateAuthorityData: certificateOf(cluster),
    exec: {
      command: "aws",
      args: [
        "--region",
        cluster.region,
        "eks",
        "get-token",
        "--cluster-name",
        cluster.name,
        "--output",
        "json",
        ...(roleArn === undefined ? [] : ["--role-arn", roleArn]),
      ],
      ...(profile === undefined ? {} : { env: { AWS_PROFILE: profile } }),
      installHint:
        "Install the AWS CLI: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    },
  });
}
