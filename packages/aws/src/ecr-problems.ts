import type { Problem } from "@gatehouse/policy";
import {
  clusterProblems,
  isLater,
  matching,
  oneOf,
  scanTermsProblems,
  show,
} from "@gatehouse/gate/components";
import { STS_AUDIENCE } from "./audiences.ts";
import { ScanFrequency, ScanType, type EcrScanningArgs } from "./ecr-args.ts";
import { repositoryProblems } from "./ecr-repository.ts";
import { issuerOf } from "./policies.ts";

/** All that is wrong with the arguments of an `EcrScanning`; what is an Output is looked at when it is known. */
export function problemsOfEcr(args: EcrScanningArgs): Problem[] {
  return [
    ...clusterProblems("cluster", args.cluster),
    ...repositoriesProblems(args.repositories),
    ...identityProblems(args),
    ...scanningProblems(args.scanningConfiguration),
    ...scanTermsProblems(args),
  ];
}

function repositoriesProblems(repositories: unknown): Problem[] {
  if (!Array.isArray(repositories) || repositories.length === 0)
    return [{ path: "repositories", problem: "expected at least one repository" }];
  return repositories.flatMap((one: unknown, index) =>
    isLater(one) ? [] : repositoryProblems(`repositories.${index}`, one),
  );
}

function identityProblems({ cluster, oidcProvider, podIdentity }: EcrScanningArgs): Problem[] {
  const path = "oidcProvider";
  if (podIdentity !== undefined)
    return oidcProvider === undefined
      ? []
      : [{ path, problem: "expected either oidcProvider or podIdentity, got both" }];
  if (oidcProvider === undefined)
    return [
      {
        path,
        problem:
          "expected the ARN of the account's IAM OIDC provider for the cluster's issuer, or { create: true } where there is none, got nothing",
      },
    ];
  if (isLater(oidcProvider)) return [];
  if (typeof oidcProvider === "object" && "create" in oidcProvider)
    return isTrue(oidcProvider.create)
      ? []
      : [{ path, problem: `expected an ARN or { create: true }, got ${show(oidcProvider)}` }];
  const issuer: unknown = (cluster as unknown as { issuer?: unknown } | null)?.issuer;
  return providerArnProblems(oidcProvider as string, typeof issuer === "string" ? issuer : undefined);
}

/** What is wrong with the ARN of an IAM OIDC provider; with the issuer known, also when it is another issuer's. */
export function providerArnProblems(arn: string, issuer: string | undefined): Problem[] {
  const path = "oidcProvider";
  const problems = matching(
    path,
    arn,
    /^arn:aws(-cn|-us-gov)?:iam::\d{12}:oidc-provider\/\S+$/,
    "arn:aws:iam::ACCOUNT:oidc-provider/ISSUER or { create: true }",
  );
  if (problems.length > 0 || issuer === undefined) return problems;
  const wanted = issuer.replace(/^https:\/\//, "");
  // Whether IAM keeps the slash at the end of an issuer is its own affair.
  if (issuerOf(arn).replace(/\/$/, "") === wanted.replace(/\/$/, "")) return [];
  return [
    {
      path,
      problem: `expected the provider of the cluster's issuer ${issuer}, got that of ${issuerOf(arn)}`,
    },
  ];
}

/** What is wrong with an IAM OIDC provider that was looked up: its tokens must be meant for AWS. */
export function audienceProblems({
  arn,
  clientIdLists,
}: {
  arn: string;
  clientIdLists: string[];
}): Problem[] {
  if (clientIdLists.includes(STS_AUDIENCE)) return [];
  return [
    {
      path: "oidcProvider",
      problem: `expected a provider with the audience ${STS_AUDIENCE}, got ${clientIdLists.join(", ") || "none"}; run \`aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn ${arn} --client-id ${STS_AUDIENCE}\``,
    },
  ];
}

function scanningProblems(scanning: EcrScanningArgs["scanningConfiguration"]): Problem[] {
  if (scanning === undefined) return [];
  const path = "scanningConfiguration";
  const types = Object.values(ScanType);
  const problems = [
    ...(isTrue(scanning.create)
      ? []
      : [
          {
            path: `${path}.create`,
            problem: `expected true, since it replaces the one configuration of the account's region, got ${show(scanning.create)}`,
          },
        ]),
    ...(scanning.type === undefined
      ? [{ path: `${path}.type`, problem: `expected ${types.join(" or ")}, got nothing` }]
      : oneOf(`${path}.type`, scanning.type, types)),
    ...oneOf(`${path}.frequency`, scanning.frequency, Object.values(ScanFrequency)),
  ];
  const impossible = scanning.type === ScanType.Basic ? ScanFrequency.Continuous : ScanFrequency.Manual;
  if (problems.length === 0 && scanning.frequency === impossible)
    problems.push({
      path: `${path}.frequency`,
      problem: `expected a frequency that ${scanning.type} scanning has, got ${scanning.frequency}`,
    });
  if (scanning.filters?.length === 0)
    problems.push({ path: `${path}.filters`, problem: "expected at least one, or leave it out for all" });
  return problems;
}

/** What types promise, programs in JavaScript may break. */
function isTrue(value: unknown): boolean {
  return value === true;
}
