import { graphOf, label, type Registered } from "@gatehouse/gate/testing";
import { sourceSchema, type SourceConfig } from "@gatehouse/policy";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { ArtifactRegistryScanning, type ArtifactRegistryScanningArgs } from "./index.ts";
import { gcpCalls, gcpResources, gkeIssuer } from "./testing/gcp.ts";

const least: ArtifactRegistryScanningArgs = {
  cluster: { issuer: gkeIssuer },
  repositories: ["europe-west1-docker.pkg.dev/shop-images/shop"],
  workloadIdentityProvider: { create: true },
};
const subject = "system:serviceaccount:gatehouse:gatehouse";
const member = `principal://iam.googleapis.com/projects/424242/locations/global/workloadIdentityPools/gatehouse/subject/${subject}`;

interface Built {
  graph: Registered[];
  source: SourceConfig | undefined;
  audiences: unknown;
}

async function build(args: ArtifactRegistryScanningArgs, preview = false): Promise<Built> {
  const built: Omit<Built, "graph"> = { source: undefined, audiences: undefined };
  const graph = await graphOf(
    (record) => {
      const scanning = new ArtifactRegistryScanning("images", args, { transformations: [record] });
      pulumi.output(scanning.tokenAudiences).apply((audiences) => (built.audiences = audiences));
      scanning.source.apply((source) => (built.source = source));
    },
    { resources: gcpResources, calls: gcpCalls, preview },
  );
  const made = graph.filter(({ type }) => !/^(gatehouse|pulumi):/.test(type));
  return { graph: made.sort((a, b) => (a.name < b.name ? -1 : 1)), ...built };
}

function resources({ graph }: Built): Record<string, unknown> {
  return Object.fromEntries(
    graph.map(({ type, name, inputs, protect, dependsOn, parent }) => [
      label(type, name),
      { inputs, protect: protect ?? false, dependsOn, parent },
    ]),
  );
}

const child = { protect: false, dependsOn: [], parent: "ArtifactRegistryScanning images" };

test("the least: a pool and a provider for two subjects, protected, and two roles for each on what is named", async () => {
  const built = await build(least);
  expect(resources(built)).toEqual({
    "WorkloadIdentityPool images-pool": {
      ...child,
      protect: true,
      inputs: { workloadIdentityPoolId: "gatehouse", description: "Gatehouse reads image scans" },
    },
    "WorkloadIdentityPoolProvider images-issuer": {
      ...child,
      protect: true,
      inputs: {
        workloadIdentityPoolId: "gatehouse",
        workloadIdentityPoolProviderId: "cluster",
        attributeMapping: { "google.subject": "assertion.sub" },
        attributeCondition: `assertion.sub in ['${subject}', '${subject}-observer']`,
        oidc: { issuerUri: gkeIssuer },
      },
    },
    "RepositoryIamMember images-read-europe-west1-shop-images-shop": {
      ...child,
      inputs: {
        project: "shop-images",
        location: "europe-west1",
        repository: "shop",
        role: "roles/artifactregistry.reader",
        member,
      },
    },
    "IAMMember images-scans-shop-images": {
      ...child,
      inputs: { project: "shop-images", role: "roles/containeranalysis.occurrences.viewer", member },
    },
    "RepositoryIamMember images-read-europe-west1-shop-images-shop-observer": {
      ...child,
      inputs: {
        project: "shop-images",
        location: "europe-west1",
        repository: "shop",
        role: "roles/artifactregistry.reader",
        member: `${member}-observer`,
      },
    },
    "IAMMember images-scans-shop-images-observer": {
      ...child,
      inputs: {
        project: "shop-images",
        role: "roles/containeranalysis.occurrences.viewer",
        member: `${member}-observer`,
      },
    },
  });
  const provider =
    "iam.googleapis.com/projects/424242/locations/global/workloadIdentityPools/gatehouse/providers/cluster";
  expect(built.source).toEqual({
    name: "images",
    type: "artifact-registry",
    registries: ["europe-west1-docker.pkg.dev"],
    projects: ["shop-images"],
    credentials: { kind: "google", audience: `//${provider}`, tokenFile: "/gatehouse/tokens/google" },
  });
  expect(sourceSchema.safeParse(built.source).success).toBe(true);
  expect(built.audiences).toEqual({ google: `https://${provider}` });
});

test("a provider by name creates none and has the audience that it lists; projects and tokens keep apart", async () => {
  const provider = "projects/42/locations/global/workloadIdentityPools/clusters/providers/shop-prod";
  const built = await build({
    ...least,
    cluster: { issuer: gkeIssuer, namespace: "gate", serviceAccount: "keeper" },
    repositories: [
      "us-docker.pkg.dev/base-images/os",
      "europe-west1-docker.pkg.dev/shop-images/web",
      "europe-west1-docker.pkg.dev/shop-images/shop",
    ],
    workloadIdentityProvider: pulumi.output(provider),
    tokenName: "google-2",
    maxScanAge: "30d",
    sourceName: "registry",
  });
  const other =
    "principal://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/clusters/subject/system:serviceaccount:gate:keeper";
  expect(
    Object.fromEntries(built.graph.map(({ type, name, inputs }) => [label(type, name), inputs["member"]])),
  ).toEqual(
    Object.fromEntries(
      [
        "RepositoryIamMember images-read-us-base-images-os",
        "RepositoryIamMember images-read-europe-west1-shop-images-web",
        "RepositoryIamMember images-read-europe-west1-shop-images-shop",
        "IAMMember images-scans-base-images",
        "IAMMember images-scans-shop-images",
      ].flatMap((name) => [
        [name, other],
        [`${name}-observer`, `${other}-observer`],
      ]),
    ),
  );
  expect(built.source).toEqual({
    name: "registry",
    type: "artifact-registry",
    registries: ["europe-west1-docker.pkg.dev", "us-docker.pkg.dev"],
    projects: ["base-images", "shop-images"],
    maxScanAge: "30d",
    credentials: {
      kind: "google",
      audience: `//iam.googleapis.com/${provider}`,
      tokenFile: "/gatehouse/tokens/google-2",
    },
  });
  expect(built.audiences).toEqual({ "google-2": "gatehouse" });
});

test("GKE's metadata server: its principals, no pool, no token", async () => {
  const { workloadIdentityProvider: _, ...rest } = least;
  const built = await build({ ...rest, metadata: { workloadPool: "shop-prod.svc.id.goog" } });
  const gke =
    "principal://iam.googleapis.com/projects/424242/locations/global/workloadIdentityPools/shop-prod.svc.id.goog/subject/ns/gatehouse/sa/gatehouse";
  expect(built.graph.map(({ name, inputs }) => [name, inputs["member"]])).toEqual([
    ["images-read-europe-west1-shop-images-shop", gke],
    ["images-read-europe-west1-shop-images-shop-observer", `${gke}-observer`],
    ["images-scans-shop-images", gke],
    ["images-scans-shop-images-observer", `${gke}-observer`],
  ]);
  expect(built.source?.type === "artifact-registry" && built.source.credentials).toEqual({
    kind: "google-metadata",
  });
  expect(built.audiences).toEqual({});
});

test("services are enabled on request, before roles are given, and stay when the stack goes", async () => {
  const built = await build({ ...least, enableApis: true });
  const services = built.graph.filter(({ type }) => type.endsWith(":Service"));
  expect(services.map(({ inputs }) => inputs)).toEqual(
    ["artifactregistry", "containeranalysis", "containerscanning"].map((service) => ({
      project: "shop-images",
      service: `${service}.googleapis.com`,
      disableOnDestroy: false,
    })),
  );
  expect(built.graph.find(({ name }) => name === "images-scans-shop-images")?.dependsOn).toEqual([
    "Service images-shop-images-artifactregistry",
    "Service images-shop-images-containeranalysis",
    "Service images-shop-images-containerscanning",
  ]);
});

test("a preview registers the same resources, and its source waits", async () => {
  const built = await build(least, true);
  expect(Object.keys(resources(built)).sort()).toEqual(Object.keys(resources(await build(least))).sort());
  expect(built.source).toBe(undefined);
});

test("a host under gcr.io is read as the repository that took it over", async () => {
  const { graph, source } = await build({
    ...least,
    repositories: ["eu.gcr.io/shop-images"],
    refreshAfter: "15m",
  });
  expect(source).toMatchObject({ registries: ["eu.gcr.io"], projects: ["shop-images"], refreshAfter: "15m" });
  expect(
    graph.flatMap(({ name, inputs }) =>
      name === "images-read-europe-shop-images-eu.gcr.io" ? [inputs] : [],
    ),
  ).toEqual([
    {
      project: "shop-images",
      location: "europe",
      repository: "eu.gcr.io",
      role: "roles/artifactregistry.reader",
      member,
    },
  ]);
});

test("all that is wrong with the arguments comes in one error", () => {
  const wrong = {
    cluster: undefined,
    repositories: ["gcr.io/shop/web"],
    workloadIdentityProvider: "projects/shop/locations/global/workloadIdentityPools/p/providers/x",
    tokenName: "Google",
    maxScanAge: "a month",
    refreshAfter: "30s",
  } as unknown as ArtifactRegistryScanningArgs;
  expect(() => new ArtifactRegistryScanning("images", wrong)).toThrow(
    [
      'ArtifactRegistryScanning "images" cannot be built, 6 arguments must be mended [GH2001]:',
      "  cluster: expected { issuer, namespace, serviceAccount } of the gate's cluster, got nothing",
      '  repositories.0: expected LOCATION-docker.pkg.dev/PROJECT/REPOSITORY, or gcr.io/PROJECT, got "gcr.io/shop/web"',
      '  workloadIdentityProvider: expected projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, with the project\'s number, or { create: true }, got "projects/shop/locations/global/workloadIdentityPools/p/providers/x"',
      '  tokenName: expected lower-case letters, digits and dashes, at most 63, got "Google"',
      '  maxScanAge: expected a whole number and m, h, d or w, such as 24h, got "a month"',
      '  refreshAfter: expected a whole number and m or h from 1m to 24h, got "30s"',
    ].join("\n"),
  );
});

test.each<[string, Partial<ArtifactRegistryScanningArgs>, string]>([
  ["nothing to read", { repositories: [] }, "repositories: expected at least one repository"],
  [
    "a repository twice",
    { repositories: [...least.repositories, ...least.repositories] },
    "repositories: expected different repositories, got one twice",
  ],
  [
    "a pool of a reserved name",
    { workloadIdentityProvider: { create: true, pool: "gcp-pool" } },
    "workloadIdentityProvider.pool: expected 4 to 32 lower-case letters",
  ],
  [
    "both ways to a principal",
    { metadata: { workloadPool: "shop.svc.id.goog" } },
    "workloadIdentityProvider: expected either workloadIdentityProvider or metadata, got both",
  ],
])("%s is refused", (_, args, message) => {
  expect(() => new ArtifactRegistryScanning("images", { ...least, ...args })).toThrow(message);
});
