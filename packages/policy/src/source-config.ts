/**
 * Which registries the gate may dial, and how it learns of their scans. Plain data: `Gate` and the cloud packages
 * write it, the judge and the command line read it. A registry that no source names is never dialled.
 */
import * as z from "zod/mini";
import { durationMs } from "./duration.ts";

const text = z.string().check(z.minLength(1));
const duration = z.string().check(z.regex(/^\d+[mhdw]$/, "a whole number and m, h, d or w, such as 24h"));
const host = z
  .string()
  .check(
    z.regex(
      /^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/,
      "a registry host such as example.azurecr.io, without scheme or path",
    ),
  );

/** How to prove to a registry or cloud who the gate is. Nothing here is a secret: secrets are named by file. */
export const credentialsSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("anonymous") }),
  /** User name and password, each the content of a mounted file. */
  z.strictObject({ kind: z.literal("basic"), usernameFile: text, passwordFile: text }),
  /** Microsoft Entra: a federated credential on a user-assigned identity. */
  z.strictObject({
    kind: z.literal("azure"),
    tenantId: text,
    clientId: text,
    tokenFile: text,
    /** Authority for sovereign clouds. Default `https://login.microsoftonline.com/`. */
    authority: z.optional(text),
    /** Resource manager for sovereign clouds. Default `https://management.azure.com`. */
    resourceManager: z.optional(text),
  }),
  /** AWS: a role for web identity. */
  z.strictObject({
    kind: z.literal("aws"),
    roleArn: text,
    tokenFile: text,
    /** Region of the STS endpoint. */
    region: text,
    /** Endpoint override, for tests and private endpoints. */
    stsEndpoint: z.optional(text),
  }),
  /** EKS Pod Identity: the agent's address and token file, as the Pod's environment names them. */
  z.strictObject({ kind: z.literal("aws-pod-identity"), endpoint: text, tokenFile: text }),
  /** Google: workload identity federation, impersonating a service account where one is named. */
  z.strictObject({
    kind: z.literal("google"),
    /** `//iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/POOL/providers/PROVIDER` */
    audience: text,
    tokenFile: text,
    serviceAccount: z.optional(text),
    stsEndpoint: z.optional(text),
    iamCredentialsEndpoint: z.optional(text),
  }),
  /** GKE's own metadata server. */
  z.strictObject({ kind: z.literal("google-metadata"), endpoint: z.optional(text) }),
]);
/** How the gate proves who it is to a registry. */
export type Credentials = z.infer<typeof credentialsSchema>;

/** An identity whose signature makes a report count. */
export const trustSchema = z.discriminatedUnion("kind", [
  /** Notation (notaryproject.dev): a certificate chain to one of these roots, with this subject. */
  z.strictObject({
    kind: z.literal("notation"),
    /** PEM certificates, or a file that holds them. */
    roots: z.optional(text),
    rootsFile: z.optional(text),
    /** Attributes that the signer's subject must have, such as `CN=…, O=…`. */
    subject: text,
  }),
  /** Sigstore bundle signed with a key. */
  z.strictObject({
    kind: z.literal("sigstore-key"),
    publicKey: z.optional(text),
    publicKeyFile: z.optional(text),
  }),
  /** Sigstore bundle signed keyless: certificate identity and issuer exact, trusted root as a file. */
  z.strictObject({
    kind: z.literal("sigstore-keyless"),
    issuer: text,
    /** Subject alternative name, exact. */
    identity: text,
    trustedRootFile: text,
  }),
]);
/** Whose signature makes a report count. */
export type Trust = z.infer<typeof trustSchema>;

const common = {
  /** Named in events and messages. */
  name: text,
  /** Scans older than this are stale. */
  maxScanAge: z.optional(duration),
};

/** `plainHttp` and `ca` are for registries inside the cluster; a public registry needs neither. */
const connection = {
  /** PEM file with more authorities for these hosts. */
  caFile: z.optional(text),
  /** Hosts that speak plain HTTP. Never credentials other than anonymous. */
  plainHttp: z.optional(z.literal(true)),
  /** Dial this `host:port` instead (private endpoints, tests); the registry's name stays what it is. */
  endpoint: z.optional(text),
  /**
   * How long what a scan that ended found serves before it is looked up again, from 1m to 24h. Default 5m. What is not
   * scanned to its end is looked up again within seconds all the same.
   */
  refreshAfter: z.optional(
    duration.check(z.refine((value) => isAtMostADay(value), "at least 1m and at most 24h")),
  ),
  /** Other hosts whose token realms may be sent these credentials: `gitlab.example` for `registry.gitlab.example`. */
  tokenRealms: z.optional(z.array(host)),
};

function isAtMostADay(text: string): boolean {
  const ms = durationMs(text) ?? 0;
  return ms >= 60_000 && ms <= 24 * 60 * 60_000;
}

const registries = z.array(host).check(z.minLength(1, "name at least one registry host"));

/** Most that one account or project is asked for in the long run, when its quota is smaller or larger than usual. */
const requestsPerSecond = z.number().check(z.positive(), z.maximum(1000));

/** One entry of `sources`. */
export const sourceSchema = z.discriminatedUnion("type", [
  /** A folder of scan reports. */
  z.strictObject({ ...common, type: z.literal("file"), directory: text, registries: z.optional(registries) }),
  /** Reports attached to the image as OCI referrers. */
  z.strictObject({
    ...common,
    ...connection,
    type: z.literal("referrer"),
    registries,
    credentials: z.optional(credentialsSchema),
    trust: z.optional(z.array(trustSchema)),
    /** Takes reports that nobody signed. Shows in every event. */
    allowUnsigned: z.optional(z.literal(true)),
  }),
  /** Amazon ECR, basic or enhanced (Inspector) scanning. */
  z.strictObject({
    ...common,
    ...connection,
    type: z.literal("ecr"),
    /** `ACCOUNT.dkr.ecr.REGION.amazonaws.com` hosts. */
    registries,
    credentials: credentialsSchema,
    /** Also ask Inspector for EPSS, exploits and the last scan. */
    inspector: z.optional(z.boolean()),
    requestsPerSecond: z.optional(requestsPerSecond),
    ecrEndpoint: z.optional(text),
    inspectorEndpoint: z.optional(text),
  }),
  /** Google Artifact Registry with Artifact Analysis. */
  z.strictObject({
    ...common,
    ...connection,
    type: z.literal("artifact-registry"),
    /** `LOCATION-docker.pkg.dev` hosts. */
    registries,
    /** Projects whose repositories may be asked about. */
    projects: z.array(text).check(z.minLength(1)),
    credentials: credentialsSchema,
    /** Asks the endpoint and the records of the registry's own location, not the global ones. */
    regional: z.optional(z.literal(true)),
    requestsPerSecond: z.optional(requestsPerSecond),
    containerAnalysisEndpoint: z.optional(text),
  }),
  /** Azure Container Registry with Defender for Containers. */
  z.strictObject({
    ...common,
    ...connection,
    type: z.literal("defender"),
    /** `NAME.azurecr.io` hosts; also ECR or Artifact Registry hosts connected to Defender. */
    registries,
    credentials: credentialsSchema,
    /** Who must have signed Defender's artifact. No default: Microsoft publishes none. */
    trust: z.array(trustSchema).check(z.minLength(1)),
    /** Whether the observer also reads Azure Resource Graph. It can never say that an image is clean. */
    resourceGraph: z.optional(z.strictObject({ subscriptions: z.optional(z.array(text)) })),
  }),
]);
/** One place that scan reports come from. */
export type SourceConfig = z.infer<typeof sourceSchema>;

/** EPSS and CISA KEV from a mounted file, for sources that lack them. */
export const exploitFeedSchema = z.strictObject({
  /** JSON in the gate's own form, as `gatehouse` converts it from what FIRST and CISA publish. */
  file: text,
  /** A part of it that is older is old: it says nothing but that a CVE was exploited. Default `7d`. */
  maxAge: z.optional(duration),
});
/** Where EPSS and KEV come from. */
export type ExploitFeedConfig = z.infer<typeof exploitFeedSchema>;
