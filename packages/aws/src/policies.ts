/** Policy documents as JSON text, their keys in a fixed order, so that diffs are stable. */
import { POD_IDENTITY_AUDIENCE, STS_AUDIENCE } from "./audiences.ts";

/** What reading scans and signed reports of a repository takes; listing referrers is part of `BatchGetImage`. */
const repositoryActions = [
  "ecr:BatchGetImage",
  "ecr:DescribeImageScanFindings",
  "ecr:GetDownloadUrlForLayer",
];
/** Actions of Inspector, which knows no resources to narrow them to. */
const inspectorActions = [
  "inspector2:BatchGetFindingDetails",
  "inspector2:ListCoverage",
  "inspector2:ListFindings",
];

/**
 * Who may take the role: tokens of one issuer, for the service accounts of one gate, meant for AWS. Both conditions are
 * exact: `StringEquals` knows no patterns, and of several values one must be met.
 *
 * @param providerArn the IAM OIDC provider; the names of the conditions are the end of its ARN
 * @param subjects `system:serviceaccount:NAMESPACE:NAME` of each
 */
export function webIdentityTrust(providerArn: string, subjects: readonly string[]): string {
  const issuer = issuerOf(providerArn);
  return policy([
    {
      Effect: "Allow",
      Principal: { Federated: providerArn },
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: { StringEquals: { [`${issuer}:aud`]: STS_AUDIENCE, [`${issuer}:sub`]: subjects } },
    },
  ]);
}

/** Who may take the role by EKS Pod Identity: the service accounts of one gate, in one cluster. */
export function podIdentityTrust(
  cluster: string,
  namespace: string,
  serviceAccounts: readonly string[],
): string {
  return policy([
    {
      Effect: "Allow",
      Principal: { Service: POD_IDENTITY_AUDIENCE },
      Action: ["sts:AssumeRole", "sts:TagSession"],
      Condition: {
        StringEquals: {
          "aws:RequestTag/eks-cluster-name": cluster,
          "aws:RequestTag/kubernetes-namespace": namespace,
          "aws:RequestTag/kubernetes-service-account": serviceAccounts,
        },
      },
    },
  ]);
}

/** What the role may do: read the named repositories, log in to registries and, on request, ask Inspector. */
export function readerPolicy(repositories: readonly string[], inspector: boolean): string {
  return policy([
    { Effect: "Allow", Action: repositoryActions, Resource: [...new Set(repositories)].sort() },
    { Effect: "Allow", Action: ["ecr:GetAuthorizationToken"], Resource: "*" },
    ...(inspector ? [{ Effect: "Allow", Action: inspectorActions, Resource: "*" }] : []),
  ]);
}

/**
 * The policy that a repository of another account needs before the gate's role may read it; merge its statement into
 * the policy that the repository has.
 *
 * @param roleArn `EcrScanning.roleArn`
 */
export function crossAccountPolicy(roleArn: string): string {
  return policy([
    { Sid: "GatehouseReadsScans", Effect: "Allow", Principal: { AWS: roleArn }, Action: repositoryActions },
  ]);
}

/** The issuer without its scheme, as an IAM OIDC provider's ARN ends in it. */
export function issuerOf(providerArn: string): string {
  const mark = ":oidc-provider/";
  return providerArn.slice(providerArn.indexOf(mark) + mark.length);
}

function policy(statements: readonly Record<string, unknown>[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
