/**
 * EKS Pod Identity: the agent on the node trades the Pod's token for the associated role's credentials
 * (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html).
 */
import type { Credentials } from "@gatehouse/policy";
import { jsonOf } from "../cloud/cloud-call.ts";
import type { Endpoint } from "../cloud/endpoint.ts";
import { awsKeys, type AwsKeys } from "./aws-keys.ts";
import type { IdentityDeps } from "./deps.ts";
import { IdentityError } from "./identity-error.ts";
import { readTokenFile } from "./token-file.ts";
import type { Issued } from "./token-store.ts";

/** Where AWS's own clients send such a token: https, loopback, and the addresses of the ECS and EKS agents. */
const plainHosts =
  /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|169\.254\.170\.2|169\.254\.170\.23|\[fd00:ec2::23\])$/;

/** @throws Error for an endpoint to which the token may not be sent. */
export function awsPodIdentity(
  config: Extract<Credentials, { kind: "aws-pod-identity" }>,
  deps: IdentityDeps,
): (signal: AbortSignal) => Promise<Issued<AwsKeys>> {
  const endpoint = agentEndpoint(config.endpoint, deps.ca);
  const where = endpoint.base.host;
  return async (signal) => {
    const startedAt = deps.now();
    const answer = await deps.call({
      endpoint,
      signal,
      request: async () => ({
        method: "GET",
        url: endpoint.base,
        headers: {
          authorization: await readTokenFile(config.tokenFile, deps.readFile),
          accept: "application/json",
        },
      }),
    });
    const { status } = answer;
    if (status !== 200)
      throw new IdentityError(
        /expired/i.test(answer.text) ? "token-expired" : status === 404 ? "not-found" : "subject",
        `${where}: the Pod Identity agent answered ${status}; the service account may have no association yet`,
        { status },
      );
    const body = jsonOf(answer, where);
    return awsKeys(
      {
        accessKeyId: body["AccessKeyId"],
        secretAccessKey: body["SecretAccessKey"],
        sessionToken: body["Token"],
        expiration: body["Expiration"],
      },
      where,
      startedAt,
      answer.clockAheadMs,
    );
  };
}

function agentEndpoint(text: string, ca: string | undefined): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.protocol === "http:" && plainHosts.test(url.hostname);
  if (
    url === undefined ||
    url.username !== "" ||
    url.password !== "" ||
    !(plain || url.protocol === "https:")
  )
    throw new Error(
      `endpoint: expected https, loopback or the agent's address such as http://169.254.170.23/v1/credentials, got ${JSON.stringify(text.slice(0, 100))}`,
    );
  return { base: url, reach: plain ? "any" : "private", ...(ca === undefined ? {} : { ca }) };
}
