/**
 * AWS STS AssumeRoleWithWebIdentity
 * (https://docs.aws.amazonaws.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html): an unsigned form, and XML
 * as the answer.
 */
import type { Credentials } from "@gatehouse/policy";
import { endpointOf } from "../cloud/endpoint.ts";
import { RegistryError } from "../registry/errors.ts";
import { awsKeys, type AwsKeys } from "./aws-keys.ts";
import type { IdentityDeps } from "./deps.ts";
import { IdentityError, type IdentityProblem } from "./identity-error.ts";
import { readTokenFile } from "./token-file.ts";
import type { Issued } from "./token-store.ts";

const sessionName = "gatehouse";
const regionText = /^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/;

const problems: Readonly<Record<string, IdentityProblem>> = {
  ExpiredTokenException: "token-expired",
  ExpiredToken: "token-expired",
  InvalidIdentityToken: "issuer",
  IDPCommunicationError: "issuer",
  IDPRejectedClaim: "token-rejected",
  AccessDenied: "subject",
  // Given for a malformed role name.
  ValidationError: "not-found",
};

/** @throws Error for a region that is none, or an endpoint that may not be used. */
export function awsWebIdentity(
  config: Extract<Credentials, { kind: "aws" }>,
  deps: IdentityDeps,
): (signal: AbortSignal) => Promise<Issued<AwsKeys>> {
  const { roleArn, region } = config;
  if (!regionText.test(region))
    throw new Error(`region: expected one such as eu-west-1, got ${JSON.stringify(region)}`);
  if (!/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(roleArn))
    throw new Error(`roleArn: expected arn:aws:iam::ACCOUNT:role/NAME, got ${JSON.stringify(roleArn)}`);
  const host = `sts.${region}.${awsDomain(region)}`;
  const endpoint = endpointOf(config.stsEndpoint, "stsEndpoint", host, deps.ca);

  return async (signal) => {
    const startedAt = deps.now();
    const answer = await deps.call({
      endpoint,
      signal,
      throttles: ({ status, text }) =>
        status === 400 && /<Code>(?:Throttling\w*|RequestLimitExceeded)<\/Code>/.test(text),
      request: async () => ({
        method: "POST",
        url: endpoint.base,
        headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
        body: new URLSearchParams({
          Action: "AssumeRoleWithWebIdentity",
          Version: "2011-06-15",
          RoleArn: roleArn,
          RoleSessionName: sessionName,
          WebIdentityToken: await readTokenFile(config.tokenFile, deps.readFile),
        }).toString(),
      }),
    });
    const where = endpoint.base.host;
    if (answer.status !== 200) {
      const code = element(answer.text, "Code") ?? `status ${answer.status}`;
      const message = element(answer.text, "Message") ?? "";
      const problem = /audience/i.test(message) ? "audience" : (problems[code] ?? "token-rejected");
      throw new IdentityError(problem, `${where}: ${code} for the role ${roleArn}`, {
        status: answer.status,
      });
    }
    const body =
      /^\s*(?:<\?xml[^>]*\?>\s*)?<AssumeRoleWithWebIdentityResponse(?:\s[^>]*)?>([\s\S]*)<\/AssumeRoleWithWebIdentityResponse>\s*$/.exec(
        answer.text,
      )?.[1];
    const credentials = body === undefined || /<!/.test(body) ? undefined : inner(body, "Credentials");
    if (credentials === undefined)
      throw new RegistryError(
        "malformed",
        `${where}: expected AssumeRoleWithWebIdentityResponse, got something else`,
      );
    return awsKeys(
      {
        accessKeyId: element(credentials, "AccessKeyId"),
        secretAccessKey: element(credentials, "SecretAccessKey"),
        sessionToken: element(credentials, "SessionToken"),
        expiration: element(credentials, "Expiration"),
      },
      where,
      startedAt,
      answer.clockAheadMs,
    );
  };
}

/** Domain of AWS's endpoints in a region's partition. */
export function awsDomain(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/** What stands in the only element of this name; undefined when there is none, or several. */
function inner(xml: string, name: string): string | undefined {
  const found = [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, "g"))];
  return found.length === 1 ? found[0]?.[1] : undefined;
}

/** The text of the only element of this name. An element with children or entities in it has none that is read. */
function element(xml: string, name: string): string | undefined {
  const text = inner(xml, name)?.trim();
  return text === undefined || text === "" || /[<&]/.test(text) ? undefined : text;
}
