import { graphOf, label, type Registered } from "@gatehouse/gate/testing";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { serverOf, unfitAks } from "./aks-fit.ts";
import { AksCluster, AzureEnvironment, KubeLogin, type AksClusterArgs } from "./index.ts";
import { namespaceLabelsPolicy } from "./namespace-labels.ts";
import { aksCluster, aksKubeconfig, azureCalls, azureResources, subscription } from "./testing/azure.ts";

interface Seen {
  readonly kubeconfig: string;
  readonly [field: string]: unknown;
}

async function attach(args: Partial<AksClusterArgs> = {}): Promise<{ seen: Seen; graph: Registered[] }> {
  let seen: Seen = { kubeconfig: "null" };
  const graph = await graphOf(
    (record) => {
      const { kubeconfig, issuer, facts } = new AksCluster(
        "cluster",
        { clusterName: "shop", resourceGroup: "shop", ...args },
        { transformations: [record] },
      );
      pulumi.output({ kubeconfig, issuer, facts }).apply((all) => (seen = all as Seen));
    },
    { resources: azureResources, calls: azureCalls },
  );
  return { seen, graph: graph.filter(({ type }) => /^kubernetes:|:kubernetes$/.test(type)) };
}

test("a cluster by name: kubeconfig without credentials, issuer and facts; namespaces' labels are guarded", async () => {
  const { seen, graph } = await attach({ labels: { tier: "prod" } });
  expect({ ...seen, kubeconfig: JSON.parse(seen.kubeconfig) as unknown }).toMatchObject({
    issuer: "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/",
    facts: {
      name: "shop",
      cloud: "azure",
      account: subscription,
      region: "westeurope",
      labels: { tier: "prod" },
    },
    kubeconfig: {
      clusters: [
        {
          cluster: {
            server: "https://shop-1.hcp.westeurope.azmk8s.io:443",
            "certificate-authority-data": "Q0E=",
          },
        },
      ],
      users: [
        {
          user: {
            exec: {
              command: "kubelogin",
              args: [
                "get-token",
                "--environment",
                "AzurePublicCloud",
                "--server-id",
                "6dae42f8-4368-4678-94ff-3960e28e3630",
                "--tenant-id",
                "tenant",
                "--login",
                "azurecli",
              ],
            },
          },
        },
      ],
    },
  });
  expect(seen.kubeconfig).not.toContain("never-used");
  const labels = { "app.kubernetes.io/part-of": "gatehouse", "app.kubernetes.io/managed-by": "pulumi" };
  expect(
    Object.fromEntries(
      graph.map(({ type, name, parent, inputs }) => [
        label(type, name),
        { parent, metadata: inputs["metadata"], spec: inputs["spec"] },
      ]),
    ),
  ).toEqual({
    "kubernetes cluster-kubernetes": { parent: "AksCluster cluster" },
    "ValidatingAdmissionPolicy cluster-namespace-labels": {
      parent: "AksCluster cluster",
      metadata: { labels },
      spec: namespaceLabelsPolicy(),
    },
    "ValidatingAdmissionPolicyBinding cluster-namespace-labels": {
      parent: "AksCluster cluster",
      metadata: { labels },
      spec: { policyName: "cluster-namespace-labels-7f3a", validationActions: ["Deny"] },
    },
  });
});

test("another way to sign in, another Azure, and no guard", async () => {
  const { seen, graph } = await attach({
    login: KubeLogin.WorkloadIdentity,
    environment: AzureEnvironment.UsGovernment,
    protectNamespaceLabels: false,
  });
  expect(graph).toEqual([]);
  expect(seen.kubeconfig).toContain('"AzureUSGovernmentCloud"');
  expect(seen.kubeconfig).toContain('"--login","workloadidentity"');
});

test("a cluster that cannot carry a gate lacks all that is named, each with the command that mends it", () => {
  expect(unfitAks(aksCluster)).toEqual([]);
  const { oidcIssuerProfile: _, aadProfile: __, ...bare } = aksCluster;
  expect(unfitAks({ ...bare, currentKubernetesVersion: "1.30.4" }).map(({ problem }) => problem)).toEqual([
    'expected a cluster of Kubernetes 1.31 or later, got "1.30.4"; upgrade it first',
    "expected a cluster whose OIDC issuer is enabled, got shop without one; run `az aks update --name shop --resource-group GROUP --enable-oidc-issuer`",
    "expected a cluster that Microsoft Entra ID signs in to, so that its kubeconfig holds no credential, got shop with local accounts only; run `az aks update --name shop --resource-group GROUP --enable-aad`",
  ]);
});

test("address and certificate are all that is taken out of AKS's own kubeconfig", () => {
  const of = (text: string) => serverOf(Buffer.from(text).toString("base64"));
  expect(of(aksKubeconfig)).toEqual({
    server: "https://shop-1.hcp.westeurope.azmk8s.io:443",
    certificateAuthorityData: "Q0E=",
  });
  for (const broken of [
    "",
    "null",
    "clusters: {}",
    "clusters: [{cluster: {server: http://shop, certificate-authority-data: Q0E=}}]",
    "clusters: [{cluster: {server: https://shop}}]",
    "\t: [",
  ])
    expect(of(broken)).toBe(undefined);
});

test("all that is wrong with the arguments comes in one error", () => {
  const wrong = { clusterName: "", login: "devicecode", environment: "china" };
  expect(() => new AksCluster("cluster", wrong as unknown as AksClusterArgs)).toThrow(
    [
      'AksCluster "cluster" cannot be built, 4 arguments must be mended [GH2001]:',
      '  clusterName: expected the name of an AKS cluster, got ""',
      "  resourceGroup: expected the name of a resource group, got nothing",
      '  login: expected azurecli or azd or msi or spn or workloadidentity, got "devicecode"',
      '  environment: expected public or us-government, got "china"',
    ].join("\n"),
  );
});
