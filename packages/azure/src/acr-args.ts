import type { Input } from "@pulumi/pulumi";
import type { ClusterIdentity } from "@gatehouse/gate/components";
import type { Trust } from "@gatehouse/policy";
import type { AzureEnvironment } from "./environments.ts";

/** How a registry grants access; it is its "role assignment permissions mode". */
export const RegistryPermissions = {
  /** To the registry as a whole: AcrPull. */
  Registry: "registry",
  /** To the registry or to repositories of it (ABAC): Container Registry Repository Reader. */
  Repositories: "repositories",
} as const;
/** What decides which role the gate's identity is given on the registry. */
export type RegistryPermissions = (typeof RegistryPermissions)[keyof typeof RegistryPermissions];

/** One Azure container registry. */
export interface AcrRegistry {
  /** `/subscriptions/S/resourceGroups/G/providers/Microsoft.ContainerRegistry/registries/NAME` */
  id: Input<string>;
  /**
   * Its login server. Required for a registry of another subscription than the provider's.
   * @default asked of Azure
   */
  host?: Input<string>;
  /** @default RegistryPermissions.Registry */
  permissions?: RegistryPermissions;
}

/** Turns the plan Defender for Containers on. There is one for each subscription: extensions not named here go off. */
export interface CreateDefenderPlan {
  create: true;
  /** The id of the subscription. */
  subscription: Input<string>;
  /** Other extensions that are to be on, beside those that the gate needs. @default [] */
  extensions?: string[];
}

/** What of Azure Resource Graph the observer may read. It can never say that an image is clean. */
export type ResourceGraphScope =
  | { subscriptions: string[]; managementGroup?: never }
  /** CVE details of the new recommendations are only answered at the tenant's scope: name its root group. */
  | { managementGroup: string; subscriptions?: never };

/** Arguments of `AcrScanning`. */
export interface AcrScanningArgs {
  /** The gate's cluster, wherever it runs. @example cluster: { issuer: aks.issuer, ...gateIdentity() } */
  cluster: ClusterIdentity;
  /** The resource group that the gate's identity is made in. */
  resourceGroup: Input<string>;
  /** Region of the identity. @default that of the resource group */
  location?: Input<string>;
  /**
   * The registries that may be read, each under a name of yours.
   * @example registries: { shop: { id: registry.id } }
   */
  registries: Record<string, AcrRegistry>;
  /**
   * Who must have signed Defender's reports. Required and without a default, since Microsoft publishes none: take it
   * from the signature of a report of yours.
   * @example trust: [{ kind: "notation", rootsFile: "/gatehouse/files/defender/root.pem", subject: "CN=…, O=Microsoft Corporation" }]
   */
  trust: Trust[];
  /**
   * The plan Defender for Containers: by its name, which is then looked up in the registries' subscriptions and must
   * have vulnerability assessment and its reports in the registry on; or created, then protected.
   * @default "Containers"
   */
  defenderPlan?: "Containers" | CreateDefenderPlan;
  /** Lets the observer read Azure Resource Graph, as a Security Reader of this scope. @default it may not */
  resourceGraph?: ResourceGraphScope;
  /** @default AzureEnvironment.Public */
  environment?: AzureEnvironment;
  /** Scans that are older are stale, such as `30d`. @default they never are */
  maxScanAge?: string;
  /**
   * How long a scan that ended serves before it is looked up again, from `1m` to `24h`. The first look-up after it asks
   * anew and still answers with what is held; the next one has what came.
   * @default "5m"
   */
  refreshAfter?: string;
  /** Name of the source, in events. @default the component's name */
  sourceName?: string;
}
