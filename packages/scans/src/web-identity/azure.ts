/**
 * Microsoft Entra: a federated credential instead of a secret
 * (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, third case).
 */
import type { Credentials } from "@gatehouse/policy";
import { jsonOf, type CloudAnswer } from "../cloud/cloud-call.ts";
import { namedEndpoint } from "../cloud/endpoint.ts";
import { RegistryError } from "../registry/errors.ts";
import { lifeOf, type IdentityDeps } from "./deps.ts";
import { IdentityError, type IdentityProblem } from "./identity-error.ts";
import { readTokenFile } from "./token-file.ts";
import type { Issued } from "./token-store.ts";

/** Codes of https://learn.microsoft.com/entra/identity-platform/reference-error-codes. */
const problems: Readonly<Record<number, IdentityProblem>> = {
  700024: "token-expired",
  700211: "issuer",
  70021: "issuer",
  700212: "audience",
  700213: "subject",
  700016: "not-found",
  90002: "not-found",
  900023: "not-found",
  50027: "token-rejected",
  7000274: "subject",
};

/**
 * Access tokens by scope, such as `https://management.azure.com/.default`.
 * @throws Error for an authority that may not be used.
 */
export function azureFederated(
  config: Extract<Credentials, { kind: "azure" }>,
  deps: IdentityDeps,
): (scope: string, signal: AbortSignal) => Promise<Issued<string>> {
  const { tenantId, clientId } = config;
  if (!/^[\w.-]{1,255}$/.test(tenantId))
    throw new Error(`tenantId: expected a tenant's id, got ${JSON.stringify(tenantId)}`);
  const endpoint = namedEndpoint(
    config.authority ?? "https://login.microsoftonline.com/",
    "authority",
    deps.ca,
  );
  const url = new URL(`${tenantId}/oauth2/v2.0/token`, endpoint.base);
  const where = endpoint.base.host;

  return async (scope, signal) => {
    const answer = await deps.call({
      endpoint,
      signal,
      request: async () => ({
        method: "POST",
        url,
        headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
        body: new URLSearchParams({
          client_id: clientId,
          scope,
          grant_type: "client_credentials",
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: await readTokenFile(config.tokenFile, deps.readFile),
        }).toString(),
      }),
    });
    if (answer.status !== 200) throw refused(answer, where, clientId);
    return bearerOf(answer, where);
  };
}

/** An access token and its life. @throws RegistryError `malformed`. */
export function bearerOf(answer: CloudAnswer, where: string): Issued<string> {
  const body = jsonOf(answer, where);
  const token = body["access_token"];
  if (
    typeof token !== "string" ||
    !/^[\x21-\x7e]{1,65536}$/.test(token) ||
    !/^bearer$/i.test(String(body["token_type"]))
  )
    throw new RegistryError("malformed", `${where}: answered without a bearer token`);
  return { value: token, lifeMs: lifeOf(body["expires_in"]) };
}

function refused(answer: CloudAnswer, where: string, clientId: string): IdentityError {
  const { status, text } = answer;
  const code = Number(/AADSTS(\d{4,8})/.exec(text)?.[1] ?? Number.NaN);
  const name = Number.isNaN(code) ? `status ${status}` : `AADSTS${code}`;
  return new IdentityError(
    problems[code] ?? "token-rejected",
    `${where}: ${name} for the client ${clientId}`,
    { status },
  );
}
