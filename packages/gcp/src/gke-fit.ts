import type { GetClusterResult } from "@pulumi/gcp/container/getCluster.js";
import { versionProblems } from "@gatehouse/gate/components";
import type { Problem } from "@gatehouse/policy";

/** What matters of how GKE describes a cluster. */
export interface GkeDescription extends Pick<
  GetClusterResult,
  "id" | "name" | "masterVersion" | "endpoint" | "network"
> {
  readonly masterAuths: readonly { readonly clusterCaCertificate: string }[];
  readonly workloadIdentityConfigs: readonly { readonly workloadPool: string }[];
  readonly privateClusterConfigs: readonly {
    readonly masterIpv4CidrBlock: string;
    readonly privateEndpoint: string;
  }[];
  readonly controlPlaneEndpointsConfigs: readonly {
    readonly dnsEndpointConfigs: readonly { readonly endpoint: string }[];
  }[];
}

/** Project and location, out of `projects/P/locations/L/clusters/C`. */
export function partsOf(id: string): { project: string; location: string } {
  const [, project = "", location = ""] = /^projects\/([^/]+)\/(?:locations|zones)\/([^/]+)\//.exec(id) ?? [];
  return { project, location };
}

/** The issuer of the cluster's tokens; zonal clusters have their zone as its location. */
export function issuerOfGke({ id, name }: Pick<GkeDescription, "id" | "name">): string {
  const { project, location } = partsOf(id);
  return `https://container.googleapis.com/v1/projects/${project}/locations/${location}/clusters/${name}`;
}

/** Where the cluster answers. The name under gke.goog has a public certificate, addresses have the cluster's own. */
export function serverOf(
  cluster: GkeDescription,
  endpoint: "default" | "private" | "dns",
): { server: string; certificateAuthorityData?: string } {
  if (endpoint === "dns") return { server: `https://${dnsOf(cluster)}` };
  const address =
    endpoint === "private" ? (cluster.privateClusterConfigs[0]?.privateEndpoint ?? "") : cluster.endpoint;
  return {
    server: `https://${address}`,
    certificateAuthorityData: cluster.masterAuths[0]?.clusterCaCertificate ?? "",
  };
}

function dnsOf({ controlPlaneEndpointsConfigs }: GkeDescription): string {
  return controlPlaneEndpointsConfigs[0]?.dnsEndpointConfigs[0]?.endpoint ?? "";
}

/** What keeps a cluster from carrying a gate, or from being reached as asked. */
export function unfitGke(
  cluster: GkeDescription,
  endpoint: "default" | "private" | "dns",
  firewall: boolean,
): Problem[] {
  const path = "clusterName";
  const { server, certificateAuthorityData } = serverOf(cluster, endpoint);
  return [
    ...versionProblems(path, cluster.masterVersion),
    ...(partsOf(cluster.id).project === ""
      ? [
          {
            path,
            problem: `expected projects/P/locations/L/clusters/C as its id, got ${JSON.stringify(cluster.id)}`,
          },
        ]
      : []),
    ...(server === "https://" || certificateAuthorityData === ""
      ? [
          {
            path: endpoint === "default" ? path : "endpoint",
            problem: `expected a cluster that has the ${endpoint} endpoint, got ${cluster.name} without it`,
          },
        ]
      : []),
    ...(firewall && (cluster.privateClusterConfigs[0]?.masterIpv4CidrBlock ?? "") === ""
      ? [
          {
            path: "firewall",
            problem: `expected a cluster whose control plane has a range of its own, got ${cluster.name} without one; leave firewall out, so that the gate listens on 10250`,
          },
        ]
      : []),
  ];
}
