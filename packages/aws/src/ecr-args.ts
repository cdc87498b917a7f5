import type { Input } from "@pulumi/pulumi";
import type { ClusterIdentity } from "@gatehouse/gate/components";

/** Who scans. Enhanced is Amazon Inspector, which is billed for each image. */
export const ScanType = { Basic: "BASIC", Enhanced: "ENHANCED" } as const;
/** A scanner as ECR's `scanType` names it (PutRegistryScanningConfiguration). */
export type ScanType = (typeof ScanType)[keyof typeof ScanType];

/** When images are scanned. Continuous needs enhanced scanning, manual needs basic. */
export const ScanFrequency = {
  OnPush: "SCAN_ON_PUSH",
  Continuous: "CONTINUOUS_SCAN",
  Manual: "MANUAL",
} as const;
/** A time of scanning as ECR's `scanFrequency` names it (PutRegistryScanningConfiguration). */
export type ScanFrequency = (typeof ScanFrequency)[keyof typeof ScanFrequency];

/** Takes over how a registry scans. There is one configuration for each account and region: all others' rules go. */
export interface CreateScanningConfiguration {
  create: true;
  type: ScanType;
  /** @default on push for basic, continuous for enhanced */
  frequency?: ScanFrequency;
  /** Names of repositories, `*` for any text. @default ["*"] */
  filters?: string[];
}

/** The cluster whose Pod Identity agent gives the gate its credentials. */
export interface PodIdentity {
  /** The EKS cluster that the gate runs in, with the add-on eks-pod-identity-agent. */
  clusterName: Input<string>;
  /** The agent's address; on IPv6 nodes `http://[fd00:ec2::23]/v1/credentials`. @default the IPv4 one */
  endpoint?: Input<string>;
}

/** Arguments of `EcrScanning`. */
export interface EcrScanningArgs {
  /** The gate's cluster, wherever it runs. @example cluster: { issuer: eks.issuer, ...gateIdentity() } */
  cluster: ClusterIdentity;
  /**
   * The repositories that may be read, as `repositoryUrl` of `aws.ecr.Repository` writes them, or a prefix that ends in
   * `*`. Those of another account must allow the role too: see `crossAccountPolicy`.
   * @example repositories: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/*"]
   */
  repositories: Input<string>[];
  /**
   * The account's IAM OIDC provider for the cluster's issuer: its ARN, or `{ create: true }` where there is none; what
   * is created is protected. Required unless `podIdentity` is given.
   * @example oidcProvider: { create: true }
   */
  oidcProvider?: Input<string> | { create: true };
  /** EKS Pod Identity in place of web identity, for a gate that runs in EKS. @default web identity */
  podIdentity?: PodIdentity;
  /**
   * Whether to ask Inspector, too, for EPSS, exploits and the last scan: registries with enhanced scanning need it.
   * @default false
   */
  inspector?: boolean;
  /** How the registry of the provider's account and region scans. @default left as it is */
  scanningConfiguration?: CreateScanningConfiguration;
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
