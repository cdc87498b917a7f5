import type { EksDescription } from "../eks-fit.ts";

/** What AWS adds to the resources that these components make, and answers to what they ask. */
const account = "123456789012";

/** By type, for the graph of a test. */
export const awsResources = {
  "gatehouse:aws:EcrScanning": () => ({}),
  "gatehouse:aws:EksCluster": () => ({}),
  "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
    _: string,
    { url }: Readonly<Record<string, unknown>>,
  ) => ({
    arn: `arn:aws:iam::${account}:oidc-provider/${String(url).replace("https://", "")}`,
  }),
  "aws:iam/role:Role": (name: string) => ({
    name: `${name}-7f3a`,
    arn: `arn:aws:iam::${account}:role/${name}-7f3a`,
  }),
  "aws:iam/rolePolicy:RolePolicy": () => ({}),
  "aws:eks/podIdentityAssociation:PodIdentityAssociation": () => ({}),
  "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": () => ({}),
};

/** A cluster as AWS describes it. */
export const eksCluster: EksDescription & { arn: string } = {
  name: "shop",
  region: "eu-west-1",
  arn: `arn:aws:eks:eu-west-1:${account}:cluster/shop`,
  version: "1.33",
  endpoint: "https://ABC.gr7.eu-west-1.eks.amazonaws.com",
  certificateAuthorities: [{ data: "Q0E=" }],
  identities: [{ oidcs: [{ issuer: "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC" }] }],
};

/** By token, for the graph of a test. */
export const awsCalls = {
  "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider": ({
    arn,
  }: Readonly<Record<string, unknown>>) => ({ arn, clientIdLists: ["sts.amazonaws.com"] }),
  "aws:eks/getCluster:getCluster": () => eksCluster,
};
