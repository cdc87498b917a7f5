import * as pulumi from "@pulumi/pulumi";
import { getClientConfigOutput } from "@pulumi/azure-native/authorization/getClientConfig.js";
import { RoleAssignment } from "@pulumi/azure-native/authorization/roleAssignment.js";
import { getRegistryOutput } from "@pulumi/azure-native/containerregistry/getRegistry.js";
import { FederatedIdentityCredential } from "@pulumi/azure-native/managedidentity/federatedIdentityCredential.js";
import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity.js";
import { getPricingOutput } from "@pulumi/azure-native/security/getPricing.js";
import { Pricing } from "@pulumi/azure-native/security/pricing.js";
import {
  argumentError,
  checkedLater,
  gateAccounts,
  issuerProblems,
  tokenFile,
} from "@gatehouse/gate/components";
import type { SourceConfig } from "@gatehouse/policy";
import {
  RegistryPermissions,
  type AcrRegistry,
  type AcrScanningArgs,
  type CreateDefenderPlan,
} from "./acr-args.ts";
import { hostProblems, problemsOfAcr } from "./acr-problems.ts";
import { CONTAINERS_PLAN, neededExtensions, planProblems } from "./defender-plan.ts";
import { AzureEnvironment, environments } from "./environments.ts";
import { registryIdProblems, resourceId } from "./resource-id.ts";
import { roleDefinition } from "./roles.ts";

/** Name of the token among the gate's; `tokenAudiences` has it as its key. */
const TOKEN_NAME = "azure";

/**
 * Lets a gate, in any cluster, read what Defender for Containers found in Azure container registries: a managed identity
 * that only the gate's service accounts can be, and one role on each registry that is named.
 *
 * @example
 * const acr = new AcrScanning("acr", {
 *   cluster: { issuer: cluster.issuer, ...gateIdentity() },
 *   resourceGroup: "shop",
 *   registries: { shop: { id: registry.id } },
 *   trust: [{ kind: "notation", rootsFile: `${filesDirectory("defender")}/root.pem`, subject: "…" }],
 * });
 * new Gate("gate", { sources: [acr.source], tokenAudiences: acr.tokenAudiences, … });
 */
export class AcrScanning extends pulumi.ComponentResource {
  /** For `Gate.sources`. Known once the identity may read. */
  readonly source: pulumi.Output<SourceConfig>;
  /** For `Gate.tokenAudiences`. */
  readonly tokenAudiences: Readonly<Record<string, string>>;

  /** @throws ResourceError naming every argument that must be mended */
  constructor(name: string, args: AcrScanningArgs, opts: pulumi.ComponentResourceOptions = {}) {
    const problems = problemsOfAcr(args);
    if (problems.length > 0) throw argumentError("AcrScanning", name, problems);
    super("gatehouse:azure:AcrScanning", name, {}, opts);
    const place: Place = { kind: "AcrScanning", name, parent: this };
    const environment = environments[args.environment ?? AzureEnvironment.Public];

    const identity = new UserAssignedIdentity(
      `${name}-identity`,
      {
        resourceGroupName: args.resourceGroup,
        ...(args.location === undefined ? {} : { location: args.location }),
      },
      { parent: this },
    );
    const federations = federate(place, args, identity.name, environment.audience);
    const deployer = getClientConfigOutput({ parent: this });
    const registries = Object.entries(args.registries).map(([key, registry]) => {
      const id = checkedLater(place, registry.id, (text) => registryIdProblems(`registries.${key}.id`, text));
      return {
        host: hostOf(place, key, registry, id, deployer.subscriptionId),
        grant: mayPull(place, key, registry, id, identity.principalId),
        plan: isCreated(args.defenderPlan) ? undefined : planOf(place, id),
      };
    });
    const plan = isCreated(args.defenderPlan) ? createPlan(place, args.defenderPlan) : undefined;
    const readers = securityReaders(place, args.resourceGraph, identity.principalId);

    const ready = pulumi.all([
      plan?.id,
      ...[...federations, ...registries.map(({ grant }) => grant), ...readers].map(({ id }) => id),
      ...registries.map((registry) => registry.plan),
    ]);
    this.tokenAudiences = { [TOKEN_NAME]: environment.audience };
    this.source = pulumi
      .all([pulumi.all(registries.map(({ host }) => host)), identity.tenantId, identity.clientId, ready])
      .apply(([hosts, tenantId, clientId]): SourceConfig => ({
        name: args.sourceName ?? name,
        type: "defender",
        registries: [...new Set(hosts)].sort(),
        credentials: {
          kind: "azure",
          tenantId,
          clientId,
          tokenFile: tokenFile(TOKEN_NAME),
          ...environment.endpoints,
        },
        trust: args.trust,
        ...(args.resourceGraph === undefined
          ? {}
          : {
              resourceGraph:
                args.resourceGraph.subscriptions === undefined
                  ? {}
                  : { subscriptions: args.resourceGraph.subscriptions },
            }),
        ...(args.maxScanAge === undefined ? {} : { maxScanAge: args.maxScanAge }),
        ...(args.refreshAfter === undefined ? {} : { refreshAfter: args.refreshAfter }),
      }));
    this.registerOutputs({ source: this.source });
  }
}

interface Place {
  readonly kind: string;
  readonly name: string;
  readonly parent: pulumi.Resource;
}

/**
 * One credential for each account that the gate runs as. One after the other: Azure refuses to write two of an identity
 * at the same time
 * (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#concurrent-updates-arent-supported-user-assigned-managed-identities).
 */
function federate(
  place: Place,
  { cluster, resourceGroup }: AcrScanningArgs,
  identity: pulumi.Output<string>,
  audience: string,
): FederatedIdentityCredential[] {
  const issuer = checkedLater(place, cluster.issuer, (text) => issuerProblems("cluster.issuer", text));
  const made: FederatedIdentityCredential[] = [];
  for (const { part, subject } of gateAccounts(cluster))
    made.push(
      new FederatedIdentityCredential(
        part === "judge" ? `${place.name}-cluster` : `${place.name}-cluster-${part}`,
        {
          resourceGroupName: resourceGroup,
          resourceName: identity,
          issuer,
          subject,
          audiences: [audience],
        },
        { parent: place.parent, dependsOn: [...made] },
      ),
    );
  return made;
}

/** A registry's login server: as given, or as Azure says. */
function hostOf(
  place: Place,
  key: string,
  registry: AcrRegistry,
  id: pulumi.Output<string>,
  deployers: pulumi.Output<string>,
): pulumi.Output<string> {
  const path = `registries.${key}.host`;
  if (registry.host !== undefined)
    return checkedLater(place, registry.host, (text) => hostProblems(path, text));
  const parts = pulumi.all([id, deployers]).apply(([text, subscription]) => {
    const found = resourceId(text);
    if (found.subscription === subscription.toLowerCase()) return found;
    throw argumentError(place.kind, place.name, [
      {
        path,
        problem: `expected the login server of a registry that is in another subscription (${found.subscription}) than the provider's (${subscription}), got nothing`,
      },
    ]);
  });
  return getRegistryOutput(
    { registryName: parts.name, resourceGroupName: parts.resourceGroup },
    { parent: place.parent },
  ).loginServer;
}

/** The one role that reading images and what is attached to them takes. */
function mayPull(
  { name, parent }: Place,
  key: string,
  { permissions }: AcrRegistry,
  id: pulumi.Output<string>,
  principalId: pulumi.Output<string>,
): RoleAssignment {
  const role =
    permissions === RegistryPermissions.Repositories ? "containerRegistryRepositoryReader" : "acrPull";
  return new RoleAssignment(
    `${name}-pull-${key}`,
    {
      principalId,
      principalType: "ServicePrincipal",
      roleDefinitionId: id.apply((text) => roleDefinition(role, resourceId(text).subscription)),
      scope: id,
    },
    { parent },
  );
}

/** Resolves when Defender's plan in the registry's subscription is as the gate needs it; fails with what it lacks. */
function planOf({ kind, name, parent }: Place, id: pulumi.Output<string>): pulumi.Output<string> {
  const subscription = id.apply((text) => resourceId(text).subscription);
  const found = getPricingOutput(
    { pricingName: CONTAINERS_PLAN, scopeId: pulumi.interpolate`subscriptions/${subscription}` },
    { parent },
  );
  return pulumi.all([found, subscription]).apply(([plan, of]) => {
    const problems = planProblems(plan, of);
    if (problems.length > 0) throw argumentError(kind, name, problems);
    return of;
  });
}

function isCreated(plan: AcrScanningArgs["defenderPlan"]): plan is CreateDefenderPlan {
  return typeof plan === "object";
}

/** Turns Defender's plan on; it outlives the stack, since all of the subscription uses it. */
function createPlan({ name, parent }: Place, { subscription, extensions = [] }: CreateDefenderPlan): Pricing {
  return new Pricing(
    `${name}-plan`,
    {
      pricingName: CONTAINERS_PLAN,
      pricingTier: "Standard",
      scopeId: pulumi.interpolate`subscriptions/${subscription}`,
      extensions: [...new Set([...neededExtensions, ...extensions])].map((extension) => ({
        name: extension,
        isEnabled: "True",
      })),
    },
    { parent, protect: true, retainOnDelete: true },
  );
}

/** Lets the identity read findings by Azure Resource Graph. */
function securityReaders(
  { name, parent }: Place,
  graph: AcrScanningArgs["resourceGraph"],
  principalId: pulumi.Output<string>,
): RoleAssignment[] {
  const assign = (suffix: string, scope: string, subscription?: string) =>
    new RoleAssignment(
      `${name}-security-reader-${suffix}`,
      {
        principalId,
        principalType: "ServicePrincipal",
        roleDefinitionId: roleDefinition("securityReader", subscription),
        scope,
      },
      { parent },
    );
  if (graph === undefined) return [];
  if (graph.managementGroup !== undefined)
    return [
      assign(
        graph.managementGroup,
        `/providers/Microsoft.Management/managementGroups/${graph.managementGroup}`,
      ),
    ];
  return graph.subscriptions.map((one) => assign(one, `/subscriptions/${one}`, one));
}
