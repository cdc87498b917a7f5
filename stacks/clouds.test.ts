import { readFileSync } from "node:fs";
import { awsCalls, awsResources } from "@gatehouse/aws/testing";
import { azureCalls, azureResources, registryId } from "@gatehouse/azure/testing";
import type { Gate } from "@gatehouse/gate";
import { graphOf, type Registered } from "@gatehouse/gate/testing";
import { gcpCalls, gcpResources } from "@gatehouse/gcp/testing";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { aks } from "./aks.ts";
import { eks } from "./eks.ts";
import { gke } from "./gke.ts";
import { readSettings, type Settings } from "./settings.ts";

const registries = {
  acr: {
    resourceGroup: "shop",
    registries: { shop: { id: registryId("shop") } },
    trust: [{ kind: "notation", rootsFile: "/gatehouse/files/d/root.pem", subject: "CN=D" }],
  },
  ecr: {
    repositories: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/*"],
    oidcProvider: { create: true },
  },
  artifactRegistry: {
    repositories: ["europe-west1-docker.pkg.dev/acme-prod/shop"],
    workloadIdentityProvider: { create: true },
  },
};

function settingsOf(cloud: string, cluster: object): Settings {
  const config = {
    labels: { tier: "prod" },
    image: { reference: `shop.azurecr.io/gatehouse@sha256:${"a".repeat(64)}`, bundles: "/app" },
    [cloud]: cluster,
    ...registries,
  };
  const texts = Object.entries(config).map(([key, value]) => [`gatehouse:${key}`, JSON.stringify(value)]);
  return readSettings(
    { "gatehouse:cloud": cloud, "gatehouse:clusterName": "shop", ...Object.fromEntries(texts) },
    cloud,
  );
}

async function graph(
  program: (settings: Settings) => Promise<Gate>,
  settings: Settings,
  calls: Record<string, () => Record<string, unknown>> = {},
): Promise<Registered[]> {
  return await graphOf(async () => await program(settings), {
    resources: { ...azureResources, ...awsResources, ...gcpResources },
    calls: { ...azureCalls, ...awsCalls, ...gcpCalls, ...calls },
  });
}

test.each([
  ["aks", aks, { resourceGroup: "shop" }, 9443, "azure", "westeurope"],
  ["eks", eks, { region: "eu-west-1" }, 9443, "aws", "eu-west-1"],
  ["gke", gke, { location: "europe-west1" }, 10_250, "gcp", "europe-west1"],
] as const)(
  "%s: a gate with its cluster's facts and port that reads registries of all three clouds",
  async (cloud, program, cluster, port, facts, region) => {
    const made = await graph(program, settingsOf(cloud, cluster));
    const config = made.find(({ name }) => name === "gate-config")?.inputs["data"] as Record<string, string>;
    const { cluster: told, sources } = JSON.parse(config["config.json"] ?? "") as {
      cluster: object;
      sources: { name: string; type: string }[];
    };
    expect(told).toMatchObject({ name: "shop", cloud: facts, region, labels: { tier: "prod" } });
    expect(sources.map(({ name, type }) => [name, type])).toEqual([
      ["acr", "defender"],
      ["ecr", "ecr"],
      ["artifact-registry", "artifact-registry"],
    ]);
    const judge = made.find(({ type, name }) => type.endsWith(":Deployment") && name === "gate-judge");
    const { template } = (judge?.inputs as { spec: { template: { spec: PodSpec } } } | undefined)?.spec ?? {
      template: undefined,
    };
    expect(template?.spec.containers[0]?.ports.map(({ containerPort }) => containerPort)).toContain(port);
    const tokens = template?.spec.volumes.find(({ name }) => name === "tokens")?.projected?.sources;
    expect(tokens?.map(({ serviceAccountToken }) => serviceAccountToken.path).sort()).toEqual([
      "aws",
      "azure",
      "google",
    ]);
    expect(made.filter(({ type }) => type === "pulumi:providers:kubernetes").length).toBeGreaterThan(0);
  },
);

interface PodSpec {
  containers: { ports: { containerPort: number }[] }[];
  volumes: {
    name: string;
    projected?: { sources: { serviceAccountToken: { path: string } }[] };
  }[];
}

test.each([
  ["aks", aks],
  ["eks", eks],
  ["gke", gke],
] as const)("the example Pulumi.%s.yaml is one that its program takes", async (cloud, program) => {
  const file = readFileSync(new URL(`Pulumi.${cloud}.yaml`, import.meta.url), "utf8");
  const { config } = parse(file) as { config: Record<string, unknown> };
  const texts = Object.entries(config).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const settings = readSettings(Object.fromEntries(texts) as Record<string, string>, cloud);
  const image = { reference: `r.example/gatehouse@sha256:${"a".repeat(64)}`, bundles: "/app" };
  const made = await graph(
    program,
    { ...settings, image },
    {
      "azure-native:authorization:getClientConfig": () => ({
        subscriptionId: config["azure-native:subscriptionId"],
      }),
    },
  );
  expect(made.filter(({ type }) => type === "gatehouse:index:Gate")).toHaveLength(1);
  expect(made.some(({ name }) => name === "gate-config")).toBe(true);
});
