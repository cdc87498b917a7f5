import type { Credentials } from "@gatehouse/policy";
import type { Hono } from "hono";
import { createCloudCaller, type CloudCaller } from "../../cloud/cloud-call.ts";
import type { IdentityDeps } from "../../web-identity/deps.ts";
import { fakeNetwork, type FakeNetwork } from "../fake-network.ts";
import { awsRegion, awsRole } from "./fake-aws.ts";
import { azureClient, azureTenant } from "./fake-azure.ts";
import { fakeCluster, gateSubject, type FakeCluster, type Trusted } from "./fake-cluster.ts";
import { googleAudience } from "./fake-google.ts";

/** A cluster, a clock that only tests move, and token files that the kubelet keeps fresh. */
export interface World {
  now: () => number;
  advance(ms: number): void;
  cluster: FakeCluster;
  /** What a cloud trusts for one audience. */
  trusts(audience: string): Trusted;
  /** `/tokens/AUDIENCE`, slashes encoded; anything else by `files`. */
  readFile: (path: string) => Promise<string>;
  files: Map<string, string>;
  /** Token files that were read. */
  readonly reads: string[];
  /** A caller and all that an exchange needs, over the fakes' hosts. */
  deps(hosts: Record<string, Hono>): IdentityDeps & { call: CloudCaller; network: FakeNetwork };
}

/** Whom a projected token is for, by the kind of credentials that it is exchanged for. */
export const audiences = {
  aws: "sts.amazonaws.com",
  "aws-pod-identity": "pods.eks.amazonaws.com",
  azure: "api://AzureADTokenExchange",
  google: googleAudience,
} as const;

/** A world whose clock stands still at `start`. Its callers are hardly paced, and their retries have no spread. */
export function createWorld(start = "2026-11-22T10:00:00Z"): World {
  let at = Date.parse(start);
  const now = (): number => at;
  const cluster = fakeCluster(now);
  const files = new Map<string, string>();
  const reads: string[] = [];
  const readFile = (path: string): Promise<string> => {
    reads.push(path);
    const text = files.get(path);
    if (text !== undefined) return Promise.resolve(text);
    if (!path.startsWith("/tokens/"))
      return Promise.reject(Object.assign(new Error(`no ${path}`), { code: "ENOENT" }));
    return Promise.resolve(`${cluster.token({ audience: decodeURIComponent(path.slice(8)) })}\n`);
  };
  return {
    now,
    advance: (ms) => {
      at += ms;
    },
    cluster,
    trusts: (audience) => ({ issuer: cluster.issuer, audience, subject: gateSubject }),
    readFile,
    files,
    reads,
    deps(hosts) {
      const network = fakeNetwork(hosts);
      const pace = { perSecond: 1_000_000, burst: 1_000_000, failuresInARow: 1000 };
      const call = createCloudCaller({ fetch: network.fetch, now, pace, random: () => 0 });
      return { call, readFile, now, random: () => 0.5, network };
    },
  };
}

/** Credentials whose token file holds a token for the audience that the cloud wants. */
export function credentialsFor<K extends keyof typeof audiences>(kind: K): Extract<Credentials, { kind: K }> {
  const tokenFile = `/tokens/${encodeURIComponent(audiences[kind])}`;
  const all: { [One in keyof typeof audiences]: Extract<Credentials, { kind: One }> } = {
    aws: { kind: "aws", roleArn: awsRole, region: awsRegion, tokenFile },
    "aws-pod-identity": {
      kind: "aws-pod-identity",
      endpoint: "http://169.254.170.23/v1/credentials",
      tokenFile,
    },
    azure: { kind: "azure", tenantId: azureTenant, clientId: azureClient, tokenFile },
    google: { kind: "google", audience: googleAudience, tokenFile },
  };
  return all[kind];
}
