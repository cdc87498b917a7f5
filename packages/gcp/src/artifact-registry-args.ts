import type { Input } from "@pulumi/pulumi";
import type { ClusterIdentity } from "@gatehouse/gate/components";

/** A pool and a provider of its own for the cluster; both are protected. */
export interface CreateProvider {
  create: true;
  /** Project that they are made in. @default the provider's */
  project?: Input<string>;
  /**
   * Id of the pool. One for each cluster: inside a pool, the same service account of two clusters is one principal.
   * Google keeps the id of a deleted pool for 30 days.
   * @default "gatehouse"
   */
  pool?: string;
}

/** GKE's own metadata server in place of a token exchange, for a gate that runs in GKE. */
export interface GkeMetadata {
  /** `PROJECT.svc.id.goog`: clusters of one project share it, and with it the gate's principal. */
  workloadPool: Input<string>;
}

/** Arguments of `ArtifactRegistryScanning`. */
export interface ArtifactRegistryScanningArgs {
  /** The gate's cluster, wherever it runs. @example cluster: { issuer: gke.issuer, ...gateIdentity() } */
  cluster: ClusterIdentity;
  /**
   * The repositories that may be read. Plain text, since they name what is made. Scans are kept by project: the gate may
   * read those of every image of the projects named here. `gcr.io/PROJECT` (also `us.`, `eu.` and `asia.gcr.io`) is the
   * repository that took over Container Registry's images.
   * @example repositories: ["europe-west1-docker.pkg.dev/shop-images/shop"]
   */
  repositories: string[];
  /**
   * The workload identity provider for the cluster's issuer: its full name, or `{ create: true }`. Required unless
   * `metadata` is given.
   * @example workloadIdentityProvider: { create: true, pool: "gatehouse-shop-prod" }
   */
  workloadIdentityProvider?: Input<string> | CreateProvider;
  /** @default a token exchange */
  metadata?: GkeMetadata;
  /**
   * Enables the services in the projects named: Artifact Registry, Container Analysis and Container Scanning, which is
   * billed for each image. They stay enabled when the stack goes.
   * @default false
   */
  enableApis?: boolean;
  /** Name of the token among the gate's, where a gate reads by way of two pools. @default "google" */
  tokenName?: string;
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
