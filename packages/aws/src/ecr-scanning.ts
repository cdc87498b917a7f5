import * as pulumi from "@pulumi/pulumi";
import { RegistryScanningConfiguration } from "@pulumi/aws/ecr/registryScanningConfiguration.js";
import { PodIdentityAssociation } from "@pulumi/aws/eks/podIdentityAssociation.js";
import { getOpenIdConnectProviderOutput } from "@pulumi/aws/iam/getOpenIdConnectProvider.js";
import { OpenIdConnectProvider } from "@pulumi/aws/iam/openIdConnectProvider.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import type { SourceConfig } from "@gatehouse/policy";
import {
  argumentError,
  checkedLater,
  gateAccounts,
  issuerProblems,
  tokenFile,
} from "@gatehouse/gate/components";
import { POD_IDENTITY_AUDIENCE, POD_IDENTITY_ENDPOINT, STS_AUDIENCE, TOKEN_NAME } from "./audiences.ts";
import { ScanFrequency, ScanType, type EcrScanningArgs, type PodIdentity } from "./ecr-args.ts";
import { audienceProblems, problemsOfEcr, providerArnProblems } from "./ecr-problems.ts";
import { ecrRepository, repositoryProblems } from "./ecr-repository.ts";
import { podIdentityTrust, readerPolicy, webIdentityTrust } from "./policies.ts";

/**
 * Lets a gate, in any cluster, read the scans of ECR repositories: a role that only the gate's service accounts can take
 * and that only reads what is named.
 *
 * @example
 * const ecr = new EcrScanning("ecr", {
 *   cluster: { issuer: cluster.issuer, ...gateIdentity() },
 *   oidcProvider: { create: true },
 *   repositories: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/*"],
 * });
 * new Gate("gate", { sources: [ecr.source], tokenAudiences: ecr.tokenAudiences, … });
 */
export class EcrScanning extends pulumi.ComponentResource {
  /** For `Gate.sources`. Known once the role may read. */
  readonly source: pulumi.Output<SourceConfig>;
  /** For `Gate.tokenAudiences`. */
  readonly tokenAudiences: Readonly<Record<string, string>>;
  /** The role that the gate takes, for policies of other accounts' repositories. */
  readonly roleArn: pulumi.Output<string>;

  /** @throws ResourceError naming every argument that must be mended */
  constructor(name: string, args: EcrScanningArgs, opts: pulumi.ComponentResourceOptions = {}) {
    const problems = problemsOfEcr(args);
    if (problems.length > 0) throw argumentError("EcrScanning", name, problems);
    super("gatehouse:aws:EcrScanning", name, {}, opts);
    const place: Place = { kind: "EcrScanning", name, parent: this };

    const repositories = pulumi
      .all(
        args.repositories.map((one, index) =>
          checkedLater(place, one, (text) => repositoryProblems(`repositories.${index}`, text)),
        ),
      )
      .apply((all) => all.map(ecrRepository));
    const role = new Role(
      `${name}-role`,
      {
        description: "Gatehouse reads image scans",
        assumeRolePolicy: trustOf(place, args),
      },
      { parent: this },
    );
    const policy = new RolePolicy(
      `${name}-read`,
      {
        role: role.name,
        policy: repositories.apply((all) =>
          readerPolicy(
            all.map(({ arn }) => arn),
            args.inspector ?? false,
          ),
        ),
      },
      { parent: this },
    );
    const associations =
      args.podIdentity === undefined ? [] : associate(place, args.podIdentity, args, role.arn);
    scanRegistry(place, args.scanningConfiguration);

    this.roleArn = role.arn;
    this.tokenAudiences = {
      [TOKEN_NAME]: args.podIdentity === undefined ? STS_AUDIENCE : POD_IDENTITY_AUDIENCE,
    };
    this.source = pulumi
      .all([
        repositories,
        role.arn,
        args.podIdentity?.endpoint,
        policy.id,
        pulumi.all(associations.map(({ id }) => id)),
      ])
      .apply(([all, roleArn, endpoint]): SourceConfig => {
        const tokens = tokenFile(TOKEN_NAME);
        return {
          name: args.sourceName ?? name,
          type: "ecr",
          registries: [...new Set(all.map(({ host }) => host))].sort(),
          credentials:
            args.podIdentity === undefined
              ? { kind: "aws", roleArn, tokenFile: tokens, region: all[0]?.region ?? "" }
              : {
                  kind: "aws-pod-identity",
                  endpoint: endpoint ?? POD_IDENTITY_ENDPOINT,
                  tokenFile: tokens,
                },
          ...(args.inspector === undefined ? {} : { inspector: args.inspector }),
          ...(args.maxScanAge === undefined ? {} : { maxScanAge: args.maxScanAge }),
          ...(args.refreshAfter === undefined ? {} : { refreshAfter: args.refreshAfter }),
        };
      });
    this.registerOutputs({ source: this.source, roleArn: this.roleArn });
  }
}

interface Place {
  readonly kind: string;
  readonly name: string;
  readonly parent: pulumi.Resource;
}

/** The role's trust policy. */
function trustOf(
  place: Place,
  { cluster, podIdentity, oidcProvider }: EcrScanningArgs,
): pulumi.Output<string> {
  const accounts = gateAccounts(cluster);
  if (podIdentity !== undefined)
    return pulumi.output(podIdentity.clusterName).apply((clusterName) =>
      podIdentityTrust(
        clusterName,
        accounts[0].namespace,
        accounts.map(({ serviceAccount }) => serviceAccount),
      ),
    );
  const issuer = checkedLater(place, cluster.issuer, (text) => issuerProblems("cluster.issuer", text));
  return providerArn(place, oidcProvider, issuer).apply((arn) =>
    webIdentityTrust(
      arn,
      accounts.map(({ subject }) => subject),
    ),
  );
}

/** The IAM OIDC provider: an own one, or the one that is named, which must be the issuer's and know our audience. */
function providerArn(
  place: Place,
  provider: EcrScanningArgs["oidcProvider"],
  issuer: pulumi.Output<string>,
): pulumi.Output<string> {
  if (typeof provider === "object" && "create" in provider && !pulumi.Output.isInstance(provider))
    return new OpenIdConnectProvider(
      `${place.name}-issuer`,
      { url: issuer, clientIdLists: [STS_AUDIENCE] },
      { parent: place.parent, protect: true },
    ).arn;
  const arn = pulumi.all([provider as pulumi.Input<string>, issuer]).apply(([text, of]) => {
    const problems = providerArnProblems(text, of);
    if (problems.length > 0) throw argumentError(place.kind, place.name, problems);
    return text;
  });
  return getOpenIdConnectProviderOutput({ arn }, { parent: place.parent }).apply((found) => {
    const problems = audienceProblems(found);
    if (problems.length > 0) throw argumentError(place.kind, place.name, problems);
    return found.arn;
  });
}

/** Ties the gate's service accounts to the role, in the cluster's own registry of them. */
function associate(
  { name, parent }: Place,
  { clusterName }: PodIdentity,
  { cluster }: EcrScanningArgs,
  roleArn: pulumi.Output<string>,
): PodIdentityAssociation[] {
  return gateAccounts(cluster).map(
    ({ part, namespace, serviceAccount }) =>
      new PodIdentityAssociation(
        part === "judge" ? `${name}-pod-identity` : `${name}-pod-identity-${part}`,
        { clusterName, namespace, serviceAccount, roleArn },
        { parent },
      ),
  );
}

/** Takes over the one scanning configuration of the account's region; it outlives the stack. */
function scanRegistry(
  { name, parent }: Place,
  scanning: EcrScanningArgs["scanningConfiguration"],
): RegistryScanningConfiguration | undefined {
  if (scanning === undefined) return undefined;
  const usual = scanning.type === ScanType.Basic ? ScanFrequency.OnPush : ScanFrequency.Continuous;
  return new RegistryScanningConfiguration(
    `${name}-scanning`,
    {
      scanType: scanning.type,
      rules: [
        {
          scanFrequency: scanning.frequency ?? usual,
          repositoryFilters: (scanning.filters ?? ["*"]).map((filter) => ({
            filter,
            filterType: "WILDCARD",
          })),
        },
      ],
    },
    { parent, protect: true, retainOnDelete: true },
  );
}
