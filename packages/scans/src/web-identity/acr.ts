/**
 * Azure Container Registry's exchange of an Entra token for a registry's refresh token
 * (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md). The refresh token is a password to the registry's token
 * realm, under a user name of zeros; access tokens by repository come from there.
 */
import { jsonOf, type CloudCaller } from "../cloud/cloud-call.ts";
import type { Endpoint } from "../cloud/endpoint.ts";
import { RegistryError } from "../registry/errors.ts";
import type { Issued } from "./token-store.ts";
import { IdentityError } from "./identity-error.ts";

/** User name that goes with a refresh token. */
export const acrUser = "00000000-0000-0000-0000-000000000000";
/** What a refresh token that does not say lives, to be safe; ACR's own live three hours. */
const defaultLifeMs = 10 * 60_000;

/** Trades an Entra access token for the registry's refresh token. */
export async function acrRefreshToken(options: {
  call: CloudCaller;
  endpoint: Endpoint;
  /** `NAME.azurecr.io` */
  registry: string;
  tenantId: string;
  accessToken: string;
  signal: AbortSignal;
}): Promise<Issued<string>> {
  const { call, endpoint, registry, tenantId, accessToken, signal } = options;
  const answer = await call({
    endpoint,
    signal,
    request: () => ({
      method: "POST",
      url: new URL("oauth2/exchange", endpoint.base),
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: new URLSearchParams({
        grant_type: "access_token",
        service: registry,
        tenant: tenantId,
        access_token: accessToken,
      }).toString(),
    }),
  });
  const { status } = answer;
  if (status !== 200)
    throw new IdentityError(
      status === 401 && /expired/i.test(answer.text)
        ? "token-expired"
        : status === 404
          ? "not-found"
          : "token-rejected",
      `${registry}: its exchange answered ${status}; the identity needs AcrPull, or Container Registry Repository Reader where permissions are by repository`,
      { status },
    );
  const token = jsonOf(answer, registry)["refresh_token"];
  if (typeof token !== "string" || !/^[\x21-\x7e]{1,65536}$/.test(token))
    throw new RegistryError("malformed", `${registry}: its exchange answered without a refresh token`);
  return { value: token, lifeMs: lifeOfJwt(token) };
}

/** Distance between a JWT's `iat` and `exp`, which is its life on any clock. Nothing is verified: it is not for us. */
function lifeOfJwt(token: string): number {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<
      string,
      unknown
    >;
    const { exp, iat } = claims;
    if (typeof exp === "number" && typeof iat === "number" && exp - iat > 0 && exp - iat < 86_400)
      return (exp - iat) * 1000;
  } catch {
    // Not a JWT: nothing says that it has to be one.
  }
  return defaultLifeMs;
}
