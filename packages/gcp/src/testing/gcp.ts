import type { GkeDescription } from "../gke-fit.ts";

type Inputs = Readonly<Record<string, unknown>>;

/** What Google adds to the resources that these components make, by type, for the graph of a test. */
export const gcpResources = {
  "gatehouse:gcp:ArtifactRegistryScanning": () => ({}),
  "gatehouse:gcp:GkeCluster": () => ({}),
  "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": () => ({}),
  "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": (_: string, inputs: Inputs) => ({
    name: `projects/424242/locations/global/workloadIdentityPools/${String(inputs["workloadIdentityPoolId"])}/providers/${String(inputs["workloadIdentityPoolProviderId"])}`,
  }),
  "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": () => ({}),
  "gcp:projects/iAMMember:IAMMember": () => ({}),
  "gcp:projects/service:Service": () => ({}),
  "gcp:compute/firewall:Firewall": () => ({}),
};

/** A cluster as Google describes it. */
export const gkeCluster: GkeDescription = {
  id: "projects/shop-prod/locations/europe-west1/clusters/shop",
  name: "shop",
  masterVersion: "1.33.4-gke.1350000",
  endpoint: "203.0.113.7",
  network: "projects/shop-prod/global/networks/default",
  masterAuths: [{ clusterCaCertificate: "Q0E=" }],
  workloadIdentityConfigs: [{ workloadPool: "shop-prod.svc.id.goog" }],
  privateClusterConfigs: [{ masterIpv4CidrBlock: "172.16.0.0/28", privateEndpoint: "172.16.0.2" }],
  controlPlaneEndpointsConfigs: [{ dnsEndpointConfigs: [{ endpoint: "gke-1.europe-west1.gke.goog" }] }],
};

/** The issuer of {@link gkeCluster}. */
export const gkeIssuer = `https://container.googleapis.com/v1/${gkeCluster.id}`;

/** What Google answers, by token, for the graph of a test. */
export const gcpCalls = {
  "gcp:container/getCluster:getCluster": () => ({ ...gkeCluster }),
  "gcp:organizations/getProject:getProject": ({ projectId }: Inputs) => ({ projectId, number: "424242" }),
  "gcp:iam/getWorkloadIdentityPoolProvider:getWorkloadIdentityPoolProvider": () => ({
    disabled: false,
    attributeMapping: { "google.subject": "assertion.sub" },
    oidcs: [{ issuerUri: gkeIssuer, allowedAudiences: ["gatehouse"] }],
  }),
};
