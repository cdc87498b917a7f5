import { graphOf, label, type Registered } from "@gatehouse/gate/testing";
import { sourceSchema, type SourceConfig } from "@gatehouse/policy";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { AcrScanning, AzureEnvironment, RegistryPermissions, type AcrScanningArgs } from "./index.ts";
import { azureCalls, azureResources, registryId, subscription } from "./testing/azure.ts";

const issuer = "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/";
const trust: AcrScanningArgs["trust"] = [
  { kind: "notation", rootsFile: "/gatehouse/files/defender/root.pem", subject: "CN=Defender" },
];
const least: AcrScanningArgs = {
  cluster: { issuer },
  resourceGroup: "shop",
  registries: { shop: { id: registryId("shop") } },
  trust,
};
const child = { protect: false, parent: "AcrScanning acr" };
const other = "99999999-2222-3333-4444-555555555555";

interface Built {
  graph: Registered[];
  source: SourceConfig | undefined;
  audiences: Readonly<Record<string, string>> | undefined;
}

async function build(args: Partial<AcrScanningArgs> = {}, preview = false): Promise<Built> {
  const built: Omit<Built, "graph"> = { source: undefined, audiences: undefined };
  const graph = await graphOf(
    (record) => {
      const scanning = new AcrScanning("acr", { ...least, ...args }, { transformations: [record] });
      built.audiences = scanning.tokenAudiences;
      scanning.source.apply((source) => (built.source = source));
    },
    { resources: azureResources, calls: azureCalls, preview },
  );
  return { graph: graph.filter(({ type }) => type.startsWith("azure-native:")), ...built };
}

function resources({ graph }: Built): Record<string, unknown> {
  return Object.fromEntries(
    graph.map(({ type, name, inputs, protect, parent }) => [
      label(type, name),
      { inputs, protect: protect ?? false, parent },
    ]),
  );
}

test("the least: an identity, a federated credential for each account, exact in all, one role on the registry", async () => {
  const built = await build();
  expect(resources(built)).toEqual({
    "UserAssignedIdentity acr-identity": { ...child, inputs: { resourceGroupName: "shop" } },
    "FederatedIdentityCredential acr-cluster": {
      ...child,
      inputs: {
        resourceGroupName: "shop",
        resourceName: "acr-identity7f3a",
        issuer,
        subject: "system:serviceaccount:gatehouse:gatehouse",
        audiences: ["api://AzureADTokenExchange"],
      },
    },
    "FederatedIdentityCredential acr-cluster-observer": {
      ...child,
      inputs: {
        resourceGroupName: "shop",
        resourceName: "acr-identity7f3a",
        issuer,
        subject: "system:serviceaccount:gatehouse:gatehouse-observer",
        audiences: ["api://AzureADTokenExchange"],
      },
    },
    "RoleAssignment acr-pull-shop": {
      ...child,
      inputs: {
        principalId: "principal of acr-identity",
        principalType: "ServicePrincipal",
        roleDefinitionId: `/subscriptions/${subscription}/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d`,
        scope: registryId("shop"),
      },
    },
  });
  // Azure refuses to write two of one identity at the same time.
  expect(built.graph.find(({ name }) => name === "acr-cluster-observer")?.dependsOn).toEqual([
    "FederatedIdentityCredential acr-cluster",
  ]);
  expect(built.source).toEqual({
    name: "acr",
    type: "defender",
    registries: ["shop.azurecr.io"],
    credentials: {
      kind: "azure",
      tenantId: "tenant",
      clientId: "client of acr-identity",
      tokenFile: "/gatehouse/tokens/azure",
    },
    trust,
  });
  expect(sourceSchema.safeParse(built.source).success).toBe(true);
  expect(built.audiences).toEqual({ azure: "api://AzureADTokenExchange" });
});

test("another subscription's registry with ABAC, another Azure and identity, findings by Resource Graph", async () => {
  const built = await build({
    cluster: { issuer: pulumi.output(issuer), namespace: "gate", serviceAccount: "keeper" },
    location: "usgovvirginia",
    registries: {
      base: {
        id: pulumi.output(registryId("base", other)),
        host: "base.azurecr.us",
        permissions: RegistryPermissions.Repositories,
      },
    },
    resourceGraph: { subscriptions: [other] },
    environment: AzureEnvironment.UsGovernment,
    maxScanAge: "30d",
    sourceName: "registry",
  });
  expect(Object.fromEntries(built.graph.map(({ name, inputs }) => [name, inputs]))).toEqual(
    Object.fromEntries([
      [
        "acr-cluster",
        {
          resourceGroupName: "shop",
          resourceName: "acr-identity7f3a",
          issuer,
          subject: "system:serviceaccount:gate:keeper",
          audiences: ["api://AzureADTokenExchangeUSGov"],
        },
      ],
      [
        "acr-cluster-observer",
        {
          resourceGroupName: "shop",
          resourceName: "acr-identity7f3a",
          issuer,
          subject: "system:serviceaccount:gate:keeper-observer",
          audiences: ["api://AzureADTokenExchangeUSGov"],
        },
      ],
      ["acr-identity", { resourceGroupName: "shop", location: "usgovvirginia" }],
      [
        "acr-pull-base",
        {
          principalId: "principal of acr-identity",
          principalType: "ServicePrincipal",
          roleDefinitionId: `/subscriptions/${other}/providers/Microsoft.Authorization/roleDefinitions/b93aa761-3e63-49ed-ac28-beffa264f7ac`,
          scope: registryId("base", other),
        },
      ],
      [
        `acr-security-reader-${other}`,
        {
          principalId: "principal of acr-identity",
          principalType: "ServicePrincipal",
          roleDefinitionId: `/subscriptions/${other}/providers/Microsoft.Authorization/roleDefinitions/39bc4728-0917-49c7-9d2c-d95423bc2eb4`,
          scope: `/subscriptions/${other}`,
        },
      ],
    ]),
  );
  expect(built.source).toEqual({
    name: "registry",
    type: "defender",
    registries: ["base.azurecr.us"],
    credentials: {
      kind: "azure",
      tenantId: "tenant",
      clientId: "client of acr-identity",
      tokenFile: "/gatehouse/tokens/azure",
      authority: "https://login.microsoftonline.us/",
      resourceManager: "https://management.usgovcloudapi.net",
    },
    trust,
    resourceGraph: { subscriptions: [other] },
    maxScanAge: "30d",
  });
});

test("a management group reads at the tenant's scope", async () => {
  const built = await build({ resourceGraph: { managementGroup: "root" } });
  const reader = built.graph.find(({ name }) => name === "acr-security-reader-root");
  expect([reader?.inputs["scope"], reader?.inputs["roleDefinitionId"]]).toEqual([
    "/providers/Microsoft.Management/managementGroups/root",
    "/providers/Microsoft.Authorization/roleDefinitions/39bc4728-0917-49c7-9d2c-d95423bc2eb4",
  ]);
  expect(built.source?.type === "defender" && built.source.resourceGraph).toEqual({});
});

test("Defender's plan is made on request only; it is protected and outlives the stack", async () => {
  const built = await build({
    defenderPlan: { create: true, subscription, extensions: ["ContainerSensor"] },
  });
  const plan = built.graph.find(({ name }) => name === "acr-plan");
  expect([plan?.inputs, plan?.protect, plan?.retainOnDelete]).toEqual([
    {
      pricingName: "Containers",
      pricingTier: "Standard",
      scopeId: `subscriptions/${subscription}`,
      extensions: [
        { name: "ContainerRegistriesVulnerabilityAssessments", isEnabled: "True" },
        { name: "ContainerIntegrityContribution", isEnabled: "True" },
        { name: "ContainerSensor", isEnabled: "True" },
      ],
    },
    true,
    true,
  ]);
});

test("a preview registers the same resources, and its source waits", async () => {
  const built = await build({}, true);
  expect(Object.keys(resources(built)).sort()).toEqual(Object.keys(resources(await build())).sort());
  expect(built.source).toBe(undefined);
});

test("all that is wrong with the arguments comes in one error", () => {
  const wrong = {
    cluster: { issuer: "westeurope" },
    registries: { Shop: { id: "shop", host: "docker.io", permissions: "all" } },
    defenderPlan: { create: true, subscription: "mine" },
    resourceGraph: { subscriptions: [] },
    maxScanAge: "long",
  } as unknown as AcrScanningArgs;
  expect(() => new AcrScanning("acr", wrong)).toThrow(
    [
      'AcrScanning "acr" cannot be built, 10 arguments must be mended [GH2001]:',
      `  cluster.issuer: expected the cluster's OIDC issuer, https and without port, query or fragment, got "westeurope"`,
      "  resourceGroup: expected the name of a resource group, got nothing",
      '  registries.Shop: expected lower-case letters, digits and dashes, at most 63, got "Shop"',
      '  registries.Shop.id: expected /subscriptions/S/resourceGroups/G/providers/Microsoft.ContainerRegistry/registries/NAME, got "shop"',
      '  registries.Shop.host: expected a login server, such as shop.azurecr.io, got "docker.io"',
      '  registries.Shop.permissions: expected registry or repositories, got "all"',
      "  trust: expected at least one identity whose signature counts, got nothing; Microsoft publishes none, so take it from the signature of a report of yours",
      '  defenderPlan.subscription: expected the id of a subscription, got "mine"',
      "  resourceGraph: expected at least one subscription, or a managementGroup",
      '  maxScanAge: expected a whole number and m, h, d or w, such as 24h, got "long"',
    ].join("\n"),
  );
});
