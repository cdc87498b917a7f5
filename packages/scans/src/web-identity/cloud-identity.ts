import type { Credentials } from "@gatehouse/policy";
import { awsPodIdentity } from "./aws-pod-identity.ts";
import { awsWebIdentity } from "./aws-sts.ts";
import type { AwsKeys } from "./aws-keys.ts";
import { azureFederated } from "./azure.ts";
import type { IdentityDeps } from "./deps.ts";
import { googleFederated, googleMetadata } from "./google.ts";
import { createTokenStore, type TokenStore } from "./token-store.ts";

/** One cloud's credentials, held and renewed. */
export interface Held<T> {
  get(signal: AbortSignal): Promise<T>;
  /** The cloud has called it expired. */
  expired(value: T): void;
}

/** Who the gate is to one cloud. Made once for each source, so that every use shares what was issued. */
export type CloudIdentity =
  | { cloud: "aws"; keys: Held<AwsKeys> }
  | { cloud: "azure"; tenantId: string; resourceManager: string; token(scope: string): Held<string> }
  | { cloud: "google"; token: Held<string> };

/** Credentials that are exchanged with a cloud for something short-lived: all but none and a password. */
export type CloudCredentials = Exclude<Credentials, { kind: "anonymous" } | { kind: "basic" }>;

/** @throws Error for a configuration that cannot be used. */
export function cloudIdentity(config: CloudCredentials, deps: IdentityDeps): CloudIdentity {
  const { now, random } = deps;
  const single = <T>(issue: Parameters<typeof createTokenStore<T>>[0]["issue"]): Held<T> =>
    held(createTokenStore<T>({ issue, now, random }), "");
  switch (config.kind) {
    case "aws": {
      const exchange = awsWebIdentity(config, deps);
      return { cloud: "aws", keys: single(async (_key, signal) => await exchange(signal)) };
    }
    case "aws-pod-identity": {
      const exchange = awsPodIdentity(config, deps);
      return { cloud: "aws", keys: single(async (_key, signal) => await exchange(signal)) };
    }
    case "azure": {
      const store = createTokenStore({ issue: azureFederated(config, deps), now, random });
      const resourceManager = (config.resourceManager ?? "https://management.azure.com").replace(/\/+$/, "");
      return {
        cloud: "azure",
        tenantId: config.tenantId,
        resourceManager,
        token: (scope) => held(store, scope),
      };
    }
    case "google": {
      const exchange = googleFederated(config, deps);
      return { cloud: "google", token: single(async (_key, signal) => await exchange(signal)) };
    }
    case "google-metadata": {
      const exchange = googleMetadata(config, deps);
      return { cloud: "google", token: single(async (_key, signal) => await exchange(signal)) };
    }
  }
}

function held<T>(store: TokenStore<T>, key: string): Held<T> {
  return {
    get: async (signal) => await store.get(key, signal),
    expired: (value) => store.expired(key, value),
  };
}
