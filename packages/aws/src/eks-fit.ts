import type { GetClusterResult } from "@pulumi/aws/eks/getCluster.js";
import { issuerProblems, versionProblems } from "@gatehouse/gate/components";
import type { Problem } from "@gatehouse/policy";

/** What matters of how EKS describes a cluster. */
export type EksDescription = Pick<
  GetClusterResult,
  "name" | "region" | "version" | "endpoint" | "identities" | "certificateAuthorities"
>;

/** What keeps a cluster from carrying a gate. */
export function unfitEks(cluster: EksDescription): Problem[] {
  const path = "clusterName";
  return [
    ...versionProblems(path, cluster.version),
    ...issuerProblems(path, issuerOfEks(cluster)),
    ...(cluster.endpoint === "" || certificateOf(cluster) === ""
      ? [{ path, problem: `expected a cluster that answers, got ${cluster.name} without an endpoint` }]
      : []),
  ];
}

/** The cluster's issuer; empty where it has none. */
export function issuerOfEks({ identities }: Pick<EksDescription, "identities">): string {
  return identities[0]?.oidcs[0]?.issuer ?? "";
}

/** Base64 of the cluster's certificate; empty while it is being made. */
export function certificateOf({
  certificateAuthorities,
}: Pick<EksDescription, "certificateAuthorities">): string {
  return certificateAuthorities[0]?.data ?? "";
}
