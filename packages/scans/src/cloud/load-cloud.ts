/**
 * Builds what the cloud sources need from their configuration: identity, callers, logins for their registries.
 */
import type { Credentials, SourceConfig } from "@gatehouse/policy";
import { artifactRegistrySource } from "../artifact-registry/artifact-registry-source.ts";
import { createListOccurrences } from "../artifact-registry/occurrences.ts";
import type { Credential, ReadFile } from "../credentials/login.ts";
import { createResourceGraph, type ReadResourceGraph } from "../defender/resource-graph.ts";
import { createEcrApi, type EcrApi } from "../ecr/api.ts";
import { ecrSource } from "../ecr/ecr-source.ts";
import type { PaceOptions } from "../registry/pace.ts";
import type { RegistryFetch } from "../registry/transport.ts";
import type { ScanSource } from "../source.ts";
import { cloudIdentity, type CloudIdentity } from "../web-identity/cloud-identity.ts";
import { cloudLogin } from "../web-identity/registry-login.ts";
import { createCloudCaller, type CloudCaller } from "./cloud-call.ts";
import { registryEndpoint } from "./endpoint.ts";

/** What cloud sources need from outside. */
export interface CloudDeps {
  fetch: RegistryFetch;
  readFile: ReadFile;
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 to 1. @default Math.random */
  random?: (() => number) | undefined;
}

type Config<T extends SourceConfig["type"]> = Extract<SourceConfig, { type: T }>;

/**
 * Requests per second and bursts, well below what is documented (Container Analysis: 5,000 reads a minute; Resource
 * Graph: 15 in 5 s) or, where nothing is, modest.
 */
const paces = {
  ecr: { concurrency: 16, burst: 20, perSecond: 10 },
  "artifact-registry": { concurrency: 32, burst: 100, perSecond: 40 },
  defender: { concurrency: 4, burst: 12, perSecond: 2.5, longestWaitMs: 60_000 },
  identity: { concurrency: 8, burst: 20, perSecond: 10 },
} as const satisfies Record<string, PaceOptions>;

/** The credential for a source's registries, when its kind is a cloud's; `undefined` for the other kinds. */
export function cloudCredential(
  config: { credentials?: Credentials | undefined; endpoint?: string | undefined },
  ca: string | undefined,
  deps: CloudDeps,
): Credential | undefined {
  const { credentials } = config;
  if (credentials === undefined || credentials.kind === "anonymous" || credentials.kind === "basic")
    return undefined;
  const call = callerFor("identity", deps);
  const identity = cloudIdentity(credentials, { ...deps, call, ca });
  return loginFor(identity, call, undefined, config.endpoint, ca, deps);
}

function loginFor(
  identity: CloudIdentity,
  call: CloudCaller,
  api: EcrApi | undefined,
  endpoint: string | undefined,
  ca: string | undefined,
  { now, random }: CloudDeps,
): Credential {
  const ecr =
    identity.cloud === "aws" ? (api ?? createEcrApi({ call, keys: identity.keys, now, ca })) : undefined;
  const endpointOf = (registry: string): ReturnType<typeof registryEndpoint> =>
    registryEndpoint(registry, { endpoint, ca });
  return cloudLogin({ identity, call, endpointOf, ecr, now, random });
}

/** A source that asks a cloud's interface, and the login for its registries. */
export interface CloudSource {
  source: ScanSource;
  credential: Credential;
}

/** @throws Error for a configuration that cannot be used. */
export function loadEcr(config: Config<"ecr">, ca: string | undefined, deps: CloudDeps): CloudSource {
  const identity = identityOf(config, "aws", ca, deps);
  const { now } = deps;
  const { name, registries, inspector, ecrEndpoint, inspectorEndpoint } = config;
  const call = callerFor("ecr", deps, config.requestsPerSecond);
  const api = createEcrApi({ call, keys: identity.keys, now, ecrEndpoint, inspectorEndpoint, ca });
  return {
    source: ecrSource({ name, registries, api, inspector, now }),
    credential: loginFor(identity, callerFor("identity", deps), api, config.endpoint, ca, deps),
  };
}

/** @throws Error for a configuration that cannot be used. */
export function loadArtifactRegistry(
  config: Config<"artifact-registry">,
  ca: string | undefined,
  deps: CloudDeps,
): CloudSource {
  const identity = identityOf(config, "google", ca, deps);
  const { name, registries, projects, regional } = config;
  const list = createListOccurrences({
    call: callerFor("artifact-registry", deps, config.requestsPerSecond),
    token: identity.token,
    endpoint: config.containerAnalysisEndpoint,
    regional,
    ca,
  });
  return {
    source: artifactRegistrySource({ name, registries, projects, list, now: deps.now }),
    credential: loginFor(identity, callerFor("identity", deps), undefined, config.endpoint, ca, deps),
  };
}

/**
 * Azure Resource Graph as the observer asks it, for a source that has `resourceGraph`.
 * @throws Error for credentials that are not Azure's.
 */
export function loadResourceGraph(
  config: Config<"defender">,
  ca: string | undefined,
  deps: CloudDeps,
): ReadResourceGraph | undefined {
  if (config.resourceGraph === undefined) return undefined;
  const identity = identityOf(config, "azure", ca, deps);
  const { subscriptions } = config.resourceGraph;
  return createResourceGraph({
    name: config.name,
    call: callerFor("defender", deps),
    identity,
    subscriptions,
    ca,
  });
}

function identityOf<C extends CloudIdentity["cloud"]>(
  { type, credentials }: { type: string; credentials: Credentials },
  cloud: C,
  ca: string | undefined,
  deps: CloudDeps,
): Extract<CloudIdentity, { cloud: C }> {
  const identity =
    credentials.kind === "anonymous" || credentials.kind === "basic"
      ? undefined
      : cloudIdentity(credentials, { ...deps, call: callerFor("identity", deps), ca });
  if (identity?.cloud === cloud) return identity as Extract<CloudIdentity, { cloud: C }>;
  const kinds = { aws: "aws or aws-pod-identity", azure: "azure", google: "google or google-metadata" }[
    cloud
  ];
  throw new Error(
    `credentials: ${type} asks an interface of ${cloud}, which takes ${kinds}, not ${credentials.kind}`,
  );
}

function callerFor(kind: keyof typeof paces, deps: CloudDeps, perSecond?: number): CloudCaller {
  const { fetch, now, random } = deps;
  const usual: PaceOptions = paces[kind];
  const pace =
    perSecond === undefined ? usual : { ...usual, perSecond, burst: Math.max(1, Math.ceil(perSecond * 2)) };
  return createCloudCaller({ fetch, now, pace, ...(random === undefined ? {} : { random }) });
}
