import { graphOf, label, type Registered } from "@gatehouse/gate/testing";
import { sourceSchema, type SourceConfig } from "@gatehouse/policy";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { crossAccountPolicy, EcrScanning, ScanFrequency, ScanType, type EcrScanningArgs } from "./index.ts";
import { audienceProblems } from "./ecr-problems.ts";
import { awsCalls, awsResources } from "./testing/aws.ts";

const issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC";
const least: EcrScanningArgs = {
  cluster: { issuer },
  repositories: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/*"],
  oidcProvider: { create: true },
};

interface Built {
  graph: Registered[];
  source: SourceConfig | undefined;
  audiences: Readonly<Record<string, string>> | undefined;
}

async function build(args: Partial<EcrScanningArgs> = {}, preview = false): Promise<Built> {
  const built: { source: SourceConfig | undefined; audiences: Built["audiences"] } = {
    source: undefined,
    audiences: undefined,
  };
  const graph = await graphOf(
    (record) => {
      const scanning = new EcrScanning("ecr", { ...least, ...args }, { transformations: [record] });
      built.audiences = scanning.tokenAudiences;
      scanning.source.apply((source) => (built.source = source));
    },
    { resources: awsResources, calls: awsCalls, preview },
  );
  return { graph: sorted(graph), ...built };
}

/** Without the stack, by name: the order in which promises settle does not matter. */
function sorted(graph: readonly Registered[]): Registered[] {
  return graph
    .filter(({ type }) => !type.startsWith("pulumi:"))
    .sort((a, b) => (label(a.type, a.name) < label(b.type, b.name) ? -1 : 1));
}

function inputsOf({ graph }: Built): Record<string, unknown> {
  return Object.fromEntries(graph.map(({ type, name, inputs }) => [label(type, name), inputs]));
}

function documentOf(built: Built, wanted: string, field: string): unknown {
  const inputs = inputsOf(built)[wanted] as Record<string, string> | undefined;
  return JSON.parse(inputs?.[field] ?? "null");
}

test("the least: a provider of the issuer, protected, and a role exact in subject, audience and repositories", async () => {
  const built = await build();
  expect(
    built.graph.map(({ type, name, parent, protect }) => [label(type, name), parent, protect ?? false]),
  ).toEqual([
    ["EcrScanning ecr", "", false],
    ["OpenIdConnectProvider ecr-issuer", "EcrScanning ecr", true],
    ["Role ecr-role", "EcrScanning ecr", false],
    ["RolePolicy ecr-read", "EcrScanning ecr", false],
  ]);
  expect(inputsOf(built)["OpenIdConnectProvider ecr-issuer"]).toEqual({
    url: issuer,
    clientIdLists: ["sts.amazonaws.com"],
  });
  expect(documentOf(built, "Role ecr-role", "assumeRolePolicy")).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: {
          Federated: "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
        },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: {
          StringEquals: {
            "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud": "sts.amazonaws.com",
            "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub": [
              "system:serviceaccount:gatehouse:gatehouse",
              "system:serviceaccount:gatehouse:gatehouse-observer",
            ],
          },
        },
      },
    ],
  });
  expect(documentOf(built, "RolePolicy ecr-read", "policy")).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["ecr:BatchGetImage", "ecr:DescribeImageScanFindings", "ecr:GetDownloadUrlForLayer"],
        Resource: ["arn:aws:ecr:eu-west-1:123456789012:repository/shop/*"],
      },
      { Effect: "Allow", Action: ["ecr:GetAuthorizationToken"], Resource: "*" },
    ],
  });
  expect(built.source).toEqual({
    name: "ecr",
    type: "ecr",
    registries: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com"],
    credentials: {
      kind: "aws",
      roleArn: "arn:aws:iam::123456789012:role/ecr-role-7f3a",
      tokenFile: "/gatehouse/tokens/aws",
      region: "eu-west-1",
    },
  });
  expect(sourceSchema.safeParse(built.source).success).toBe(true);
  expect(built.audiences).toEqual({ aws: "sts.amazonaws.com" });
});

test("a provider by name creates none; Inspector's actions come on request; other accounts and partitions keep theirs", async () => {
  const built = await build({
    oidcProvider: "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
    cluster: { issuer: pulumi.output(issuer), namespace: "gate", serviceAccount: "keeper" },
    repositories: [
      pulumi.output("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web"),
      "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/api",
      "210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn/*",
    ],
    inspector: true,
    maxScanAge: "30d",
    sourceName: "registry",
  });
  expect(built.graph.map(({ type, name }) => label(type, name))).toEqual([
    "EcrScanning ecr",
    "Role ecr-role",
    "RolePolicy ecr-read",
  ]);
  expect(documentOf(built, "Role ecr-role", "assumeRolePolicy")).toMatchObject({
    Statement: [
      {
        Condition: {
          StringEquals: {
            "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub": [
              "system:serviceaccount:gate:keeper",
              "system:serviceaccount:gate:keeper-observer",
            ],
          },
        },
      },
    ],
  });
  expect(documentOf(built, "RolePolicy ecr-read", "policy")).toMatchObject({
    Statement: [
      {
        Resource: [
          "arn:aws-cn:ecr:cn-north-1:210987654321:repository/*",
          "arn:aws:ecr:eu-west-1:123456789012:repository/shop/api",
          "arn:aws:ecr:eu-west-1:123456789012:repository/shop/web",
        ],
      },
      {},
      {
        Action: ["inspector2:BatchGetFindingDetails", "inspector2:ListCoverage", "inspector2:ListFindings"],
        Resource: "*",
      },
    ],
  });
  expect(built.source).toMatchObject({
    name: "registry",
    registries: [
      "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
      "210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn",
    ],
    inspector: true,
    maxScanAge: "30d",
  });
});

test("EKS Pod Identity: associations, a role for two service accounts of one cluster, the agent's audience", async () => {
  const { oidcProvider: _, ...rest } = least;
  const built: Partial<Built> = {};
  const graph = await graphOf(
    (record) => {
      const scanning = new EcrScanning(
        "ecr",
        { ...rest, podIdentity: { clusterName: "shop" } },
        { transformations: [record] },
      );
      built.audiences = scanning.tokenAudiences;
      scanning.source.apply((source) => (built.source = source));
    },
    { resources: awsResources, calls: awsCalls },
  );
  const found = { graph: sorted(graph), source: built.source, audiences: built.audiences };
  const association = {
    clusterName: "shop",
    namespace: "gatehouse",
    roleArn: "arn:aws:iam::123456789012:role/ecr-role-7f3a",
  };
  expect(
    Object.entries(inputsOf(found)).filter(([name]) => name.startsWith("PodIdentityAssociation ")),
  ).toEqual([
    ["PodIdentityAssociation ecr-pod-identity", { ...association, serviceAccount: "gatehouse" }],
    [
      "PodIdentityAssociation ecr-pod-identity-observer",
      { ...association, serviceAccount: "gatehouse-observer" },
    ],
  ]);
  expect(documentOf(found, "Role ecr-role", "assumeRolePolicy")).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "pods.eks.amazonaws.com" },
        Action: ["sts:AssumeRole", "sts:TagSession"],
        Condition: {
          StringEquals: {
            "aws:RequestTag/eks-cluster-name": "shop",
            "aws:RequestTag/kubernetes-namespace": "gatehouse",
            "aws:RequestTag/kubernetes-service-account": ["gatehouse", "gatehouse-observer"],
          },
        },
      },
    ],
  });
  expect(found.source?.type === "ecr" && found.source.credentials).toEqual({
    kind: "aws-pod-identity",
    endpoint: "http://169.254.170.23/v1/credentials",
    tokenFile: "/gatehouse/tokens/aws",
  });
  expect(found.audiences).toEqual({ aws: "pods.eks.amazonaws.com" });
});

test("a scanning configuration is made on request only; it is protected and outlives the stack", async () => {
  const built = await build({ scanningConfiguration: { create: true, type: ScanType.Enhanced } });
  const scanning = built.graph.find(({ name }) => name === "ecr-scanning");
  expect([scanning?.inputs, scanning?.protect, scanning?.retainOnDelete]).toEqual([
    {
      scanType: "ENHANCED",
      rules: [
        {
          scanFrequency: "CONTINUOUS_SCAN",
          repositoryFilters: [{ filter: "*", filterType: "WILDCARD" }],
        },
      ],
    },
    true,
    true,
  ]);
});

test("a preview registers the same resources, and its source waits", async () => {
  const built = await build({}, true);
  expect(built.graph.map(({ type, name }) => label(type, name))).toEqual([
    "EcrScanning ecr",
    "OpenIdConnectProvider ecr-issuer",
    "Role ecr-role",
    "RolePolicy ecr-read",
  ]);
  expect(built.source).toBe(undefined);
});

test("all that is wrong with the arguments comes in one error", () => {
  const wrong = {
    cluster: { issuer: "http://shop.example", namespace: "Gate House" },
    repositories: ["public.ecr.aws/nginx/nginx", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a*b"],
    scanningConfiguration: { create: true, type: ScanType.Basic, frequency: ScanFrequency.Continuous },
    refreshAfter: "2d",
  } as unknown as EcrScanningArgs;
  expect(() => new EcrScanning("ecr", wrong)).toThrow(
    [
      'EcrScanning "ecr" cannot be built, 7 arguments must be mended [GH2001]:',
      `  cluster.issuer: expected the cluster's OIDC issuer, https and without port, query or fragment, got "http://shop.example"`,
      '  cluster.namespace: expected lower-case letters, digits and dashes, at most 63, got "Gate House"',
      '  repositories.0: expected ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME, or a prefix of names that ends in *, got "public.ecr.aws/nginx/nginx"',
      '  repositories.1: expected ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME, or a prefix of names that ends in *, got "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a*b"',
      "  oidcProvider: expected the ARN of the account's IAM OIDC provider for the cluster's issuer, or { create: true } where there is none, got nothing",
      "  scanningConfiguration.frequency: expected a frequency that BASIC scanning has, got CONTINUOUS_SCAN",
      '  refreshAfter: expected a whole number and m or h from 1m to 24h, got "2d"',
    ].join("\n"),
  );
});

test.each<[string, Partial<EcrScanningArgs>, string]>([
  [
    "another issuer's provider",
    { oidcProvider: "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/XYZ" },
    `oidcProvider: expected the provider of the cluster's issuer ${issuer}, got that of oidc.eks.eu-west-1.amazonaws.com/id/XYZ`,
  ],
  ["an empty list", { repositories: [] }, "repositories: expected at least one repository"],
  [
    "both ways to a role",
    { podIdentity: { clusterName: "shop" } },
    "oidcProvider: expected either oidcProvider or podIdentity, got both",
  ],
])("%s is refused", (_, args, message) => {
  expect(() => new EcrScanning("ecr", { ...least, ...args })).toThrow(message);
});

test("a provider that was looked up must know the audience", () => {
  const arn = "arn:aws:iam::123456789012:oidc-provider/shop.example";
  expect(audienceProblems({ arn, clientIdLists: ["other", "sts.amazonaws.com"] })).toEqual([]);
  expect(audienceProblems({ arn, clientIdLists: ["other"] })).toEqual([
    {
      path: "oidcProvider",
      problem: `expected a provider with the audience sts.amazonaws.com, got other; run \`aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn ${arn} --client-id sts.amazonaws.com\``,
    },
  ]);
});

test("the policy for another account's repository names the role and the least", () => {
  expect(JSON.parse(crossAccountPolicy("arn:aws:iam::123456789012:role/r"))).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "GatehouseReadsScans",
        Effect: "Allow",
        Principal: { AWS: "arn:aws:iam::123456789012:role/r" },
        Action: ["ecr:BatchGetImage", "ecr:DescribeImageScanFindings", "ecr:GetDownloadUrlForLayer"],
      },
    ],
  });
});
