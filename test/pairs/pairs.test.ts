import { sourceSchema } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { build, pairs, trust } from "./pairs.ts";
import { trustedOf } from "./trusted.ts";

const issuers = {
  aks: "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/",
  eks: "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
  gke: "https://container.googleapis.com/v1/projects/shop-prod/locations/europe-west1/clusters/shop",
} as const;
const subject = "system:serviceaccount:gatehouse:gatehouse";
/** Both accounts that the gate runs as. */
const subjects = [subject, `${subject}-observer`];
const subscription = "11111111-2222-3333-4444-555555555555";
const provider = "projects/42/locations/global/workloadIdentityPools/pool/providers/cluster";
const member = `principal://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/pool/subject/${subject}`;
const scheme = /^https:\/\//;

/** What each registry makes of a cluster's issuer, whole. */
const expected = {
  acr: (issuer: string) => ({
    audience: "api://AzureADTokenExchange",
    tokenAudiences: { azure: "api://AzureADTokenExchange" },
    source: {
      name: "registry",
      type: "defender",
      registries: ["acme.azurecr.io"],
      credentials: {
        kind: "azure",
        tenantId: "tenant",
        clientId: "client of registry-identity",
        tokenFile: "/gatehouse/tokens/azure",
      },
      trust,
    },
    resources: {
      "UserAssignedIdentity registry-identity": { resourceGroupName: "shop" },
      "FederatedIdentityCredential registry-cluster": {
        resourceGroupName: "shop",
        resourceName: "registry-identity7f3a",
        issuer,
        subject,
        audiences: ["api://AzureADTokenExchange"],
      },
      "FederatedIdentityCredential registry-cluster-observer": {
        resourceGroupName: "shop",
        resourceName: "registry-identity7f3a",
        issuer,
        subject: `${subject}-observer`,
        audiences: ["api://AzureADTokenExchange"],
      },
      "RoleAssignment registry-pull-shop": {
        principalId: "principal of registry-identity",
        principalType: "ServicePrincipal",
        roleDefinitionId: `/subscriptions/${subscription}/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d`,
        scope: `/subscriptions/${subscription}/resourceGroups/shop/providers/Microsoft.ContainerRegistry/registries/acme`,
      },
    },
  }),
  ecr: (issuer: string) => ({
    audience: "sts.amazonaws.com",
    tokenAudiences: { aws: "sts.amazonaws.com" },
    source: {
      name: "registry",
      type: "ecr",
      registries: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com"],
      credentials: {
        kind: "aws",
        roleArn: "arn:aws:iam::123456789012:role/registry-role-7f3a",
        tokenFile: "/gatehouse/tokens/aws",
        region: "eu-west-1",
      },
    },
    resources: {
      "OpenIdConnectProvider registry-issuer": { url: issuer, clientIdLists: ["sts.amazonaws.com"] },
      "Role registry-role": {
        description: "Gatehouse reads image scans",
        assumeRolePolicy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: {
                Federated: `arn:aws:iam::123456789012:oidc-provider/${issuer.replace(scheme, "")}`,
              },
              Action: "sts:AssumeRoleWithWebIdentity",
              Condition: {
                StringEquals: {
                  [`${issuer.replace(scheme, "")}:aud`]: "sts.amazonaws.com",
                  [`${issuer.replace(scheme, "")}:sub`]: subjects,
                },
              },
            },
          ],
        }),
      },
      "RolePolicy registry-read": {
        role: "registry-role-7f3a",
        policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Action: ["ecr:BatchGetImage", "ecr:DescribeImageScanFindings", "ecr:GetDownloadUrlForLayer"],
              Resource: ["arn:aws:ecr:eu-west-1:123456789012:repository/shop/*"],
            },
            { Effect: "Allow", Action: ["ecr:GetAuthorizationToken"], Resource: "*" },
          ],
        }),
      },
    },
  }),
  "artifact-registry": (issuer: string) => ({
    audience: `https://iam.googleapis.com/${provider}`,
    tokenAudiences: { google: `https://iam.googleapis.com/${provider}` },
    source: {
      name: "registry",
      type: "artifact-registry",
      registries: ["europe-west1-docker.pkg.dev"],
      projects: ["acme-prod"],
      credentials: {
        kind: "google",
        audience: `//iam.googleapis.com/${provider}`,
        tokenFile: "/gatehouse/tokens/google",
      },
    },
    resources: {
      "WorkloadIdentityPool registry-pool": {
        workloadIdentityPoolId: "pool",
        description: "Gatehouse reads image scans",
      },
      "WorkloadIdentityPoolProvider registry-issuer": {
        workloadIdentityPoolId: "pool",
        workloadIdentityPoolProviderId: "cluster",
        attributeMapping: { "google.subject": "assertion.sub" },
        attributeCondition: `assertion.sub in ['${subject}', '${subject}-observer']`,
        oidc: { issuerUri: issuer },
      },
      "RepositoryIamMember registry-read-europe-west1-acme-prod-shop": {
        project: "acme-prod",
        location: "europe-west1",
        repository: "shop",
        role: "roles/artifactregistry.reader",
        member,
      },
      "IAMMember registry-scans-acme-prod": {
        project: "acme-prod",
        role: "roles/containeranalysis.occurrences.viewer",
        member,
      },
      "RepositoryIamMember registry-read-europe-west1-acme-prod-shop-observer": {
        project: "acme-prod",
        location: "europe-west1",
        repository: "shop",
        role: "roles/artifactregistry.reader",
        member: `${member}-observer`,
      },
      "IAMMember registry-scans-acme-prod-observer": {
        project: "acme-prod",
        role: "roles/containeranalysis.occurrences.viewer",
        member: `${member}-observer`,
      },
    },
  }),
} as const;

test.each(pairs)("$cluster reads $registry: all that is registered, and the source", async (pair) => {
  const built = await build(pair, {
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": () => ({ name: provider }),
  });
  const { audience, ...whole } = expected[pair.registry](issuers[pair.cluster]);
  expect(built).toEqual({ issuer: issuers[pair.cluster], ...whole });
  expect(sourceSchema.safeParse(built.source).success).toBe(true);
  expect(trustedOf(built)).toEqual({ issuer: issuers[pair.cluster], subject: subjects, audience });
});
