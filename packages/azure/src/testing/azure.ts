import type { AksDescription } from "../aks-fit.ts";

type Inputs = Readonly<Record<string, unknown>>;

/** The subscription of the deployer, and of all that these answers are about. */
export const subscription = "11111111-2222-3333-4444-555555555555";

/** What Azure adds to the resources that these components make, by type, for the graph of a test. */
export const azureResources = {
  "gatehouse:azure:AcrScanning": () => ({}),
  "gatehouse:azure:AksCluster": () => ({}),
  "azure-native:managedidentity:UserAssignedIdentity": (name: string) => ({
    name: `${name}7f3a`,
    principalId: `principal of ${name}`,
    clientId: `client of ${name}`,
    tenantId: "tenant",
  }),
  "azure-native:managedidentity:FederatedIdentityCredential": () => ({}),
  "azure-native:authorization:RoleAssignment": () => ({}),
  "azure-native:security:Pricing": () => ({}),
};

/** A cluster as Azure describes it. */
export const aksCluster: AksDescription = {
  id: `/subscriptions/${subscription}/resourcegroups/shop/providers/Microsoft.ContainerService/managedClusters/shop`,
  name: "shop",
  location: "westeurope",
  currentKubernetesVersion: "1.33.2",
  oidcIssuerProfile: {
    enabled: true,
    issuerURL: "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/",
  },
  aadProfile: { managed: true, tenantID: "tenant" },
};

/** The kubeconfig that AKS writes, with a credential that nobody may use. */
export const aksKubeconfig = `apiVersion: v1
kind: Config
clusters:
- name: shop
  cluster:
    certificate-authority-data: Q0E=
    server: https://shop-1.hcp.westeurope.azmk8s.io:443
users:
- name: shop
  user:
    token: never-used
`;

/** A container registry's id. */
export function registryId(name: string, of = subscription): string {
  return `/subscriptions/${of}/resourceGroups/shop/providers/Microsoft.ContainerRegistry/registries/${name}`;
}

/** What Azure answers, by token, for the graph of a test. */
export const azureCalls = {
  "azure-native:containerservice:getManagedCluster": () => ({ ...aksCluster }),
  "azure-native:containerservice:listManagedClusterUserCredentials": () => ({
    kubeconfigs: [{ name: "clusterUser", value: Buffer.from(aksKubeconfig).toString("base64") }],
  }),
  "azure-native:authorization:getClientConfig": () => ({ subscriptionId: subscription, tenantId: "tenant" }),
  "azure-native:containerregistry:getRegistry": ({ registryName }: Inputs) => ({
    loginServer: `${String(registryName)}.azurecr.io`,
  }),
  "azure-native:security:getPricing": () => ({
    pricingTier: "Standard",
    extensions: [
      { name: "ContainerRegistriesVulnerabilityAssessments", isEnabled: "True" },
      { name: "ContainerIntegrityContribution", isEnabled: "True" },
    ],
  }),
};

/** For a real API server: only it can say that the policy's expressions compile and its authorizer answers. */
export { namespaceLabelsPolicy } from "../namespace-labels.ts";
