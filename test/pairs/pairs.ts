/**
 * The nine pairs of a cluster and a registry, each put together under Pulumi's mocks from the components that a stack
 * would use.
 */
import { ArtifactRegistryScanning, GkeCluster } from "@gatehouse/gcp";
import { gcpCalls, gcpResources } from "@gatehouse/gcp/testing";
import { EcrScanning, EksCluster } from "@gatehouse/aws";
import { awsCalls, awsResources } from "@gatehouse/aws/testing";
import { AcrScanning, AksCluster } from "@gatehouse/azure";
import { azureCalls, azureResources, registryId } from "@gatehouse/azure/testing";
import { gateIdentity } from "@gatehouse/gate";
import { graphOf, label, type Answer, type Registered } from "@gatehouse/gate/testing";
import type { SourceConfig, Trust } from "@gatehouse/policy";
import * as pulumi from "@pulumi/pulumi";

/** By whose tokens the gate speaks, and whose registry it reads. */
export interface Pair {
  readonly cluster: "aks" | "eks" | "gke";
  readonly registry: "acr" | "ecr" | "artifact-registry";
}

export const pairs: readonly Pair[] = (["aks", "eks", "gke"] as const).flatMap((cluster) =>
  (["acr", "ecr", "artifact-registry"] as const).map((registry) => ({ cluster, registry })),
);

/** What a program hands to `Gate`, and what it registered of the registry's cloud. */
export interface Built {
  readonly issuer: string;
  readonly source: SourceConfig;
  readonly tokenAudiences: Readonly<Record<string, string>>;
  /** `Type name` → inputs, without components. */
  readonly resources: Readonly<Record<string, Registered["inputs"]>>;
}

/** Whose signature counts; no report is read here. */
export const trust: Trust[] = [
  { kind: "notation", rootsFile: "/gatehouse/files/d/root.pem", subject: "CN=D" },
];

/** What a registry's component needs to know of a cluster, by the cluster's component. */
function issuerOf(cluster: Pair["cluster"], opts: pulumi.ComponentResourceOptions): pulumi.Output<string> {
  if (cluster === "aks")
    return new AksCluster(
      "cluster",
      { clusterName: "shop", resourceGroup: "shop", protectNamespaceLabels: false },
      opts,
    ).issuer;
  if (cluster === "eks") return new EksCluster("cluster", { clusterName: "shop" }, opts).issuer;
  return new GkeCluster("cluster", { clusterName: "shop", location: "europe-west1" }, opts).issuer;
}

function scanningOf(
  registry: Pair["registry"],
  issuer: pulumi.Output<string>,
  opts: pulumi.ComponentResourceOptions,
) {
  const cluster = { issuer, ...gateIdentity() };
  if (registry === "acr")
    return new AcrScanning(
      "registry",
      { cluster, resourceGroup: "shop", registries: { shop: { id: registryId("acme") } }, trust },
      opts,
    );
  if (registry === "ecr")
    return new EcrScanning(
      "registry",
      {
        cluster,
        oidcProvider: { create: true },
        repositories: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/*"],
      },
      opts,
    );
  return new ArtifactRegistryScanning(
    "registry",
    {
      cluster,
      workloadIdentityProvider: { create: true, pool: "pool" },
      repositories: ["europe-west1-docker.pkg.dev/acme-prod/shop"],
    },
    opts,
  );
}

/**
 * Runs the program of one pair.
 *
 * @param answers what providers add to resources, beside what they usually do
 */
export async function build(
  { cluster, registry }: Pair,
  answers: Readonly<Record<string, Answer>> = {},
): Promise<Built> {
  let seen: Omit<Built, "resources"> | undefined;
  const graph = await graphOf(
    (record) => {
      const opts = { transformations: [record] };
      const issuer = issuerOf(cluster, opts);
      const { source, tokenAudiences } = scanningOf(registry, issuer, opts);
      pulumi
        .all([issuer, source, pulumi.output<Record<string, pulumi.Input<string>>>(tokenAudiences)])
        .apply(([of, config, audiences]) => {
          seen = { issuer: of, source: config, tokenAudiences: audiences };
        });
    },
    {
      resources: { ...azureResources, ...awsResources, ...gcpResources, ...answers },
      calls: { ...azureCalls, ...awsCalls, ...gcpCalls },
    },
  );
  if (seen === undefined) throw new Error("the source was never known");
  return {
    ...seen,
    resources: Object.fromEntries(
      graph
        .filter(({ type }) => !/^(gatehouse|pulumi):/.test(type))
        .map(({ type, name, inputs }) => [label(type, name), inputs]),
    ),
  };
}
