import { graphOf } from "@gatehouse/gate/testing";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { EksCluster, type EksClusterArgs } from "./index.ts";
import { unfitEks } from "./eks-fit.ts";
import { awsCalls, awsResources, eksCluster } from "./testing/aws.ts";

async function attach(args: EksClusterArgs): Promise<unknown> {
  let seen: unknown;
  const graph = await graphOf(
    (record) => {
      const { kubeconfig, issuer, facts } = new EksCluster("cluster", args, { transformations: [record] });
      pulumi.output({ kubeconfig, issuer, facts }).apply((all) => (seen = all));
    },
    { resources: awsResources, calls: awsCalls },
  );
  expect(graph.map(({ type }) => type)).toEqual(["pulumi:pulumi:Stack", "gatehouse:aws:EksCluster"]);
  return seen;
}

test("a cluster by name: kubeconfig without credentials, issuer and facts; nothing is created", async () => {
  const seen = (await attach({ clusterName: "shop", labels: { tier: "prod" }, profile: "ops" })) as {
    kubeconfig: string;
  };
  expect({ ...seen, kubeconfig: JSON.parse(seen.kubeconfig) as unknown }).toMatchObject({
    issuer: "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
    facts: {
      name: "shop",
      cloud: "aws",
      account: "123456789012",
      region: "eu-west-1",
      labels: { tier: "prod" },
    },
    kubeconfig: {
      clusters: [
        {
          cluster: {
            server: "https://ABC.gr7.eu-west-1.eks.amazonaws.com",
            "certificate-authority-data": "Q0E=",
          },
        },
      ],
      users: [
        {
          user: {
            exec: {
              command: "aws",
              args: [
                "--region",
                "eu-west-1",
                "eks",
                "get-token",
                "--cluster-name",
                "shop",
                "--output",
                "json",
              ],
              env: [{ name: "AWS_PROFILE", value: "ops" }],
            },
          },
        },
      ],
    },
  });
});

test("a cluster that cannot carry a gate lacks all that is named", () => {
  expect(unfitEks(eksCluster)).toEqual([]);
  const unfit = { ...eksCluster, version: "1.30", identities: [], endpoint: "" };
  expect(unfitEks(unfit).map(({ problem }) => problem)).toEqual([
    'expected a cluster of Kubernetes 1.31 or later, got "1.30"; upgrade it first',
    `expected the cluster's OIDC issuer, https and without port, query or fragment, got ""`,
    "expected a cluster that answers, got shop without an endpoint",
  ]);
});

test("a missing name is refused", () => {
  expect(() => new EksCluster("cluster", {} as EksClusterArgs)).toThrow(
    "clusterName: expected the name of an EKS cluster, got nothing",
  );
});
