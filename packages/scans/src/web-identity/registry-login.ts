/**
 * Logins for the clouds' registries, for the registry client.
 */
import type { CloudCaller } from "../cloud/cloud-call.ts";
import type { Endpoint } from "../cloud/endpoint.ts";
import type { Credential, RegistryLogin } from "../credentials/login.ts";
import { authorizationToken } from "../ecr/authorization-token.ts";
import type { EcrApi } from "../ecr/api.ts";
import { parseEcrHost } from "../ecr/host.ts";
import { RegistryError } from "../registry/errors.ts";
import { acrRefreshToken, acrUser } from "./acr.ts";
import type { CloudIdentity } from "./cloud-identity.ts";
import { IdentityError } from "./identity-error.ts";
import { createTokenStore, type Issued } from "./token-store.ts";

/**
 * The credential that the registry client plugs in. A login that a registry has refused is asked for anew.
 */
export function cloudLogin(options: {
  identity: CloudIdentity;
  call: CloudCaller;
  /** Where a registry host itself is reached, for ACR's exchange. */
  endpointOf: (registry: string) => Endpoint;
  /** Present where the identity is AWS's. */
  ecr?: EcrApi | undefined;
  now: () => number;
  random?: (() => number) | undefined;
}): Credential {
  const { identity, call, now, random } = options;
  if (identity.cloud === "google") {
    const { token } = identity;
    return async (registry, signal, refused) => {
      mustBe(googleHosts, registry, "Artifact Registry");
      if (refused !== undefined) token.expired(refused.password);
      return { username: "oauth2accesstoken", password: await token.get(signal), expiresAt: shortly(now()) };
    };
  }
  const store = createTokenStore<RegistryLogin>({
    now,
    random,
    issue: async (registry, signal) => {
      if (identity.cloud === "azure") {
        mustBe(azureHosts, registry, "Azure Container Registry");
        const scope = registry.endsWith(".azurecr.io")
          ? "https://containerregistry.azure.net/.default"
          : `${identity.resourceManager}/.default`;
        const endpoint = options.endpointOf(registry);
        const { tenantId } = identity;
        const token = identity.token(scope);
        const trade = async (): Promise<Issued<string>> => {
          const accessToken = await token.get(signal);
          try {
            return await acrRefreshToken({ call, endpoint, registry, tenantId, accessToken, signal });
          } catch (error) {
            if (error instanceof IdentityError && error.status === 401) token.expired(accessToken);
            throw error;
          }
        };
        const issued = await trade().catch(async (error: unknown) => {
          // The held token may have ended sooner than it said; a new one is worth one more try.
          if (error instanceof IdentityError && error.status === 401) return await trade();
          throw error;
        });
        return { ...issued, value: { username: acrUser, password: issued.value } };
      }
      const host = parseEcrHost(registry);
      if (host === undefined || options.ecr === undefined)
        throw new RegistryError("unsupported", `${registry}: is no private registry of Amazon ECR`);
      return await authorizationToken(options.ecr, host, now, signal);
    },
  });
  return async (registry, signal, refused) => {
    // ECR's token is good for every registry of its region; one for each host costs little and keeps them apart.
    if (refused !== undefined) {
      const current = await store.get(registry, signal);
      if (current.password === refused.password) store.expired(registry, current);
    }
    const login = await store.get(registry, signal);
    return { ...login, expiresAt: shortly(now()) };
  };
}

/** Hosts that may be sent a cloud's own token: whatever a source names, no one else gets it. */
const azureHosts = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.azurecr\.(?:io|us|cn)$/;
const googleHosts = /^(?:[a-z0-9-]+-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io)$/;

function mustBe(hosts: RegExp, registry: string, name: string): void {
  if (hosts.test(registry)) return;
  throw new RegistryError("refused", `${registry}: is no host of ${name}, so it is not sent a token for it`);
}

/** The store knows when a login really ends; the client asks again soon, which costs nothing while it lives. */
function shortly(at: number): number {
  return at + 60_000;
}
