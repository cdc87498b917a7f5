import { graphOf, type Registered } from "@gatehouse/gate/testing";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { GkeCluster, GkeEndpoint, type GkeClusterArgs } from "./index.ts";
import { issuerOfGke, serverOf, unfitGke } from "./gke-fit.ts";
import { gcpCalls, gcpResources, gkeCluster, gkeIssuer } from "./testing/gcp.ts";

interface Seen {
  readonly kubeconfig: string;
  readonly [field: string]: unknown;
}

async function attach(args: Partial<GkeClusterArgs> = {}): Promise<{ seen: Seen; graph: Registered[] }> {
  let seen: Seen = { kubeconfig: "null" };
  const graph = await graphOf(
    (record) => {
      const { kubeconfig, issuer, facts, targetPort, workloadPool } = new GkeCluster(
        "cluster",
        { clusterName: "shop", location: "europe-west1", ...args },
        { transformations: [record] },
      );
      pulumi
        .output({ kubeconfig, issuer, facts, targetPort, workloadPool })
        .apply((all) => (seen = all as Seen));
    },
    { resources: gcpResources, calls: gcpCalls },
  );
  return { seen, graph: graph.filter(({ type }) => type.startsWith("gcp:")) };
}

test("a cluster by name: kubeconfig without credentials, issuer, facts and port; nothing is created", async () => {
  const { seen, graph } = await attach({ labels: { tier: "prod" } });
  expect(graph).toEqual([]);
  expect({ ...seen, kubeconfig: JSON.parse(seen.kubeconfig) as unknown }).toMatchObject({
    issuer: gkeIssuer,
    facts: {
      name: "shop",
      cloud: "gcp",
      account: "shop-prod",
      region: "europe-west1",
      labels: { tier: "prod" },
    },
    targetPort: 10_250,
    workloadPool: "shop-prod.svc.id.goog",
    kubeconfig: {
      clusters: [{ cluster: { server: "https://203.0.113.7", "certificate-authority-data": "Q0E=" } }],
      users: [{ user: { exec: { command: "gke-gcloud-auth-plugin", args: [] } } }],
    },
  });
});

test("a firewall rule is made on request: from the control plane's range to tagged nodes, for one port", async () => {
  const { seen, graph } = await attach({ firewall: { port: 9443, targetTags: ["gke-shop"] } });
  expect(seen["targetPort"]).toBe(9443);
  expect(graph).toEqual([
    {
      type: "gcp:compute/firewall:Firewall",
      name: "cluster-webhook",
      parent: "GkeCluster cluster",
      dependsOn: [],
      ignoreChanges: [],
      secrets: [],
      inputs: {
        project: "shop-prod",
        network: "projects/shop-prod/global/networks/default",
        description: "GKE's control plane calls Gatehouse",
        direction: "INGRESS",
        sourceRanges: ["172.16.0.0/28"],
        targetTags: ["gke-shop"],
        allows: [{ protocol: "tcp", ports: ["9443"] }],
      },
    },
  ]);
});

test("a zonal cluster's issuer has its zone as location", () => {
  const id = "projects/shop-prod/zones/europe-west1-b/clusters/shop";
  expect(issuerOfGke({ id, name: "shop" })).toBe(
    "https://container.googleapis.com/v1/projects/shop-prod/locations/europe-west1-b/clusters/shop",
  );
});

test("the private address and the name under gke.goog", () => {
  expect(serverOf(gkeCluster, GkeEndpoint.Private)).toEqual({
    server: "https://172.16.0.2",
    certificateAuthorityData: "Q0E=",
  });
  expect(serverOf(gkeCluster, GkeEndpoint.Dns)).toEqual({ server: "https://gke-1.europe-west1.gke.goog" });
});

test("a cluster that cannot carry a gate, or not be reached as asked, lacks all that is named", () => {
  expect(unfitGke(gkeCluster, "default", true)).toEqual([]);
  const unfit = {
    ...gkeCluster,
    masterVersion: "1.29.1-gke.1",
    privateClusterConfigs: [],
    controlPlaneEndpointsConfigs: [],
  };
  expect(unfitGke(unfit, "dns", true)).toEqual([
    {
      path: "clusterName",
      problem: 'expected a cluster of Kubernetes 1.31 or later, got "1.29.1-gke.1"; upgrade it first',
    },
    { path: "endpoint", problem: "expected a cluster that has the dns endpoint, got shop without it" },
    {
      path: "firewall",
      problem:
        "expected a cluster whose control plane has a range of its own, got shop without one; leave firewall out, so that the gate listens on 10250",
    },
  ]);
  expect(unfitGke(unfit, "private", false).map(({ path }) => path)).toEqual(["clusterName", "endpoint"]);
});

test("all that is wrong with the arguments comes in one error", () => {
  const wrong = {
    clusterName: "Shop",
    project: "42",
    endpoint: "vpn",
    firewall: { port: 443, targetTags: [] },
  };
  expect(() => new GkeCluster("cluster", wrong as unknown as GkeClusterArgs)).toThrow(
    [
      'GkeCluster "cluster" cannot be built, 6 arguments must be mended [GH2001]:',
      '  clusterName: expected the name of a GKE cluster, got "Shop"',
      "  location: expected a region or zone, such as europe-west1, got nothing",
      '  project: expected the id of a project, not its number, got "42"',
      '  endpoint: expected default or private or dns, got "vpn"',
      "  firewall.port: expected a whole number from 1024 to 65535 (the gate does not run as root), got 443",
      "  firewall.targetTags: expected at least one tag of the nodes; without any, the rule would open all of the network",
    ].join("\n"),
  );
});
