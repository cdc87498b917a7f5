/**
 * Signed calls to AWS's JSON interfaces (Signature Version 4).
 */
import { AwsV4Signer } from "aws4fetch";
import { jsonOf, type CloudAnswer, type CloudCaller } from "../cloud/cloud-call.ts";
import { endpointOf, type Endpoint } from "../cloud/endpoint.ts";
import { RegistryError } from "../registry/errors.ts";
import type { AwsKeys } from "../web-identity/aws-keys.ts";
import { awsDomain } from "../web-identity/aws-sts.ts";
import type { Held } from "../web-identity/cloud-identity.ts";
import { withFresh } from "../web-identity/with-fresh.ts";

/** An error that AWS names by its type. */
export class AwsError extends RegistryError {
  /** `ScanNotFoundException`, without its namespace. */
  readonly type: string;

  constructor(type: string, message: string, status: number) {
    super(deniedTypes.test(type) || status === 403 || status === 401 ? "denied" : "malformed", message, {
      status,
    });
    this.type = type;
  }
}

const deniedTypes =
  /^(?:AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|IncompleteSignature|MissingAuthentication)/;
const throttleTypes = /^(?:Throttl|TooManyRequests|RequestLimitExceeded|LimitExceeded|SlowDown)/;
const expiredTypes = /^(?:ExpiredToken|RequestExpired|UnrecognizedClient)/;
const skewTypes = /^(?:InvalidSignature|RequestTimeTooSkewed|RequestExpired|SignatureDoesNotMatch)/;

/** The calls that are made. Reject with `RegistryError`; what AWS names by a type with `AwsError`. */
export interface EcrApi {
  /** ECR's own interface, by operation. */
  ecr(
    call: { region: string; host: string; operation: string; body: object },
    signal: AbortSignal,
  ): Promise<Json>;
  /** Inspector's, by path. */
  inspector(call: { region: string; path: string; body: object }, signal: AbortSignal): Promise<Json>;
}
/** A JSON object from AWS, of which nothing is taken for granted: readers check each field. */
export type Json = Readonly<Record<string, unknown>>;

/** Whom ECR and Inspector are asked as, and where. */
export interface EcrApiOptions {
  call: CloudCaller;
  keys: Held<AwsKeys>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** A named endpoint, such as one of a VPC. @default AWS's own of the region */
  ecrEndpoint?: string | undefined;
  /** The same for Inspector. */
  inspectorEndpoint?: string | undefined;
  /** PEM of authorities for named endpoints. */
  ca?: string | undefined;
}

/** @throws Error for an endpoint that may not be used. */
export function createEcrApi(options: EcrApiOptions): EcrApi {
  const { call, keys, now, ca } = options;
  // What is wrong with a named endpoint shows now, not at the first image.
  endpointOf(options.ecrEndpoint, "ecrEndpoint", "unused.example", ca);
  endpointOf(options.inspectorEndpoint, "inspectorEndpoint", "unused.example", ca);

  async function signed(
    endpoint: Endpoint,
    service: "ecr" | "inspector2",
    region: string,
    path: string,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<Json> {
    const url = new URL(path, endpoint.base);
    const send = async (value: AwsKeys): Promise<CloudAnswer> =>
      await call({
        endpoint,
        signal,
        pace: `${service} ${region} ${endpoint.base.host}`,
        throttles: (answer) => throttleTypes.test(typeOf(answer)),
        request: async ({ clockAheadMs }) => {
          const signer = new AwsV4Signer({
            ...value,
            method: "POST",
            url: url.href,
            headers,
            body,
            service,
            region,
            datetime: new Date(now() + clockAheadMs).toISOString().replaceAll(/[:-]|\.\d{3}/g, ""),
          });
          const ready = await signer.sign();
          return { method: "POST", url, headers: Object.fromEntries(ready.headers), body };
        },
      });
    const sendInTime = async (value: AwsKeys): Promise<CloudAnswer> => {
      const answer = await send(value);
      // The first answer tells how far this clock is off; the second attempt is signed by the cloud's.
      return answer.status !== 200 && answer.clockAheadMs !== 0 && skewTypes.test(typeOf(answer))
        ? await send(value)
        : answer;
    };
    const answer = await withFresh(
      keys,
      signal,
      sendInTime,
      (one) => one.status !== 200 && expiredTypes.test(typeOf(one)),
    );
    if (answer.status === 200) return jsonOf(answer, endpoint.base.host);
    const type = typeOf(answer) || `status ${answer.status}`;
    throw new AwsError(type, `${endpoint.base.host}: ${type}`, answer.status);
  }

  return {
    async ecr({ region, host, operation, body }, signal) {
      const endpoint = endpointOf(options.ecrEndpoint, "ecrEndpoint", host, ca);
      const headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `AmazonEC2ContainerRegistry_V20150921.${operation}`,
      };
      return await signed(endpoint, "ecr", region, "", headers, JSON.stringify(body), signal);
    },
    async inspector({ region, path, body }, signal) {
      const host = `inspector2.${region}.${awsDomain(region)}`;
      const endpoint = endpointOf(options.inspectorEndpoint, "inspectorEndpoint", host, ca);
      const headers = { "content-type": "application/json" };
      return await signed(endpoint, "inspector2", region, path, headers, JSON.stringify(body), signal);
    },
  };
}

/** Type of an error: in the body for JSON 1.1, in a header for REST; with a namespace or a link around it. */
function typeOf({ headers, text, status }: CloudAnswer): string {
  if (status === 200) return "";
  let type: unknown = headers.get("x-amzn-errortype");
  try {
    const body = JSON.parse(text) as { __type?: unknown; code?: unknown } | null;
    type = body?.__type ?? body?.code ?? type;
  } catch {
    // Proxies answer in HTML.
  }
  return typeof type === "string"
    ? (/([A-Za-z]+)(?::.*)?$/.exec(type.split("#").at(-1) ?? "")?.[1] ?? "")
    : "";
}
