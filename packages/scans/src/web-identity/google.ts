/**
 * Google Cloud: workload identity federation (https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token),
 * impersonation of a service account, and GKE's metadata server.
 */
import type { Credentials } from "@gatehouse/policy";
import { jsonOf, type CloudAnswer } from "../cloud/cloud-call.ts";
import { endpointOf, type Endpoint } from "../cloud/endpoint.ts";
import { RegistryError } from "../registry/errors.ts";
import { bearerOf } from "./azure.ts";
import { lifeUntil, type IdentityDeps } from "./deps.ts";
import { IdentityError, type IdentityProblem } from "./identity-error.ts";
import { readTokenFile } from "./token-file.ts";
import type { Issued } from "./token-store.ts";

const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform";
const audienceText =
  /^\/\/iam\.googleapis\.com\/projects\/\d+\/locations\/global\/workloadIdentityPools\/[\w.-]+\/providers\/[\w.-]+$/;

type Exchange = (signal: AbortSignal) => Promise<Issued<string>>;

/** @throws Error for an audience or endpoint that may not be used. */
export function googleFederated(
  config: Extract<Credentials, { kind: "google" }>,
  deps: IdentityDeps,
): Exchange {
  if (!audienceText.test(config.audience))
    throw new Error(
      `audience: expected //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, got ${JSON.stringify(config.audience)}`,
    );
  const sts = endpointOf(config.stsEndpoint, "stsEndpoint", "sts.googleapis.com", deps.ca);
  const iam = endpointOf(
    config.iamCredentialsEndpoint,
    "iamCredentialsEndpoint",
    "iamcredentials.googleapis.com",
    deps.ca,
  );
  const { serviceAccount } = config;
  if (serviceAccount !== undefined && !/^[\w.-]+@[\w.-]+$/.test(serviceAccount))
    throw new Error(`serviceAccount: expected an e-mail address, got ${JSON.stringify(serviceAccount)}`);

  async function federate(signal: AbortSignal): Promise<Issued<string>> {
    const where = sts.base.host;
    const answer = await deps.call({
      endpoint: sts,
      signal,
      request: async () => ({
        method: "POST",
        url: new URL("v1/token", sts.base),
        headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
        body: new URLSearchParams({
          grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
          audience: config.audience,
          scope: cloudPlatform,
          requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
          subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
          subject_token: await readTokenFile(config.tokenFile, deps.readFile),
        }).toString(),
      }),
    });
    if (answer.status !== 200)
      throw new IdentityError(stsProblem(answer), `${where}: refused the token for ${config.audience}`, {
        status: answer.status,
      });
    return bearerOf(answer, where);
  }

  if (serviceAccount === undefined) return federate;
  return async (signal) => {
    const attempt = async (): Promise<Issued<string>> =>
      await impersonate(iam, serviceAccount, (await federate(signal)).value, deps, signal);
    try {
      return await attempt();
    } catch (error) {
      // The first token may have ended, or been revoked, between the two steps.
      if (error instanceof IdentityError && error.status === 401) return await attempt();
      throw error;
    }
  };
}

async function impersonate(
  endpoint: Endpoint,
  serviceAccount: string,
  token: string,
  deps: IdentityDeps,
  signal: AbortSignal,
): Promise<Issued<string>> {
  const where = endpoint.base.host;
  const startedAt = deps.now();
  const answer = await deps.call({
    endpoint,
    signal,
    request: () => ({
      method: "POST",
      url: new URL(
        `v1/projects/-/serviceAccounts/${encodeURIComponent(serviceAccount)}:generateAccessToken`,
        endpoint.base,
      ),
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ scope: [cloudPlatform], lifetime: "3600s" }),
    }),
  });
  const { status } = answer;
  if (status !== 200)
    throw new IdentityError(
      status === 404 ? "not-found" : "subject",
      `${where}: answered ${status} for ${serviceAccount}; the gate's principal needs roles/iam.workloadIdentityUser on it`,
      { status },
    );
  const body = jsonOf(answer, where);
  const { accessToken, expireTime } = body;
  if (
    typeof accessToken !== "string" ||
    !/^[\x21-\x7e]{1,65536}$/.test(accessToken) ||
    typeof expireTime !== "string"
  )
    throw new RegistryError("malformed", `${where}: answered without an access token`);
  return { value: accessToken, lifeMs: lifeUntil(expireTime, startedAt, answer.clockAheadMs) };
}

/** The service says what is wrong in prose only. */
function stsProblem({ status, text }: CloudAnswer): IdentityProblem {
  if (/expired/i.test(text)) return "token-expired";
  if (/audience/i.test(text)) return "audience";
  if (/issuer|signature|jwks|key/i.test(text)) return "issuer";
  if (/attribute condition|unauthorized_client|subject/i.test(text)) return "subject";
  return status === 404 || /invalid_target|not found/i.test(text) ? "not-found" : "token-rejected";
}

const metadataHosts =
  /^(?:metadata\.google\.internal|169\.254\.169\.254|\[fd20:ce::254\]|localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** GKE's own metadata server. @throws Error for an endpoint that is none. */
export function googleMetadata(
  config: Extract<Credentials, { kind: "google-metadata" }>,
  deps: IdentityDeps,
): Exchange {
  const text = config.endpoint ?? "http://metadata.google.internal";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" || !metadataHosts.test(url.hostname) || url.pathname !== "/")
    throw new Error(
      `endpoint: expected http://metadata.google.internal or its address, got ${JSON.stringify(text)}`,
    );
  const endpoint: Endpoint = { base: url, reach: "any" };
  return async (signal) => {
    const answer = await deps.call({
      endpoint,
      signal,
      request: () => ({
        method: "GET",
        url: new URL("computeMetadata/v1/instance/service-accounts/default/token", url),
        headers: { "metadata-flavor": "Google" },
      }),
    });
    // The server's own proof that it is no other thing that listens there.
    if (answer.headers.get("metadata-flavor") !== "Google")
      throw new RegistryError("refused", `${url.host}: is not a metadata server of Google`);
    if (answer.status !== 200)
      throw new IdentityError(
        answer.status === 404 ? "not-found" : "subject",
        `${url.host}: answered ${answer.status}; the service account has no identity in this cluster's pool`,
        { status: answer.status },
      );
    return bearerOf(answer, url.host);
  };
}
