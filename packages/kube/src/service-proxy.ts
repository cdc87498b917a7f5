import { invalidCall } from "./errors.ts";
import { collectionPath, segment, type Query } from "./paths.ts";
import type { Answer, CallOptions, Requester } from "./request.ts";
import { resources } from "./resources.ts";
import { errorOfAnswer, parseStatus } from "./status.ts";

/** A port of a service as the API server's proxy names it. */
export interface ServicePort {
  readonly scheme: "http" | "https";
  readonly service: string;
  /** Number or name. */
  readonly port: number | string;
}

/** A request through the proxy. */
export interface ServiceProxyOptions extends CallOptions {
  /** @default "GET" */
  readonly method?: "GET" | "POST";
  readonly query?: Query;
  /** The API server passes these on, but for `Authorization`, which it takes out. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. Needs method POST. */
  readonly body?: string;
}

function pathWithin(path: string): string {
  if (!path.startsWith("/"))
    throw invalidCall(`path: expected one that starts with /, got ${JSON.stringify(path)}`);
  return path
    .slice(1)
    .split("/")
    .map((part, at, parts) => (part === "" && at === parts.length - 1 ? "" : segment("path segment", part)))
    .join("/");
}

/** The path of a service's own path behind the API server. */
function proxyPath(namespace: string, target: ServicePort, path: string): string {
  const name = segment("service", target.service);
  const port = segment("port", String(target.port));
  if (target.service.includes(":") || String(target.port).includes(":")) {
    throw invalidCall(`service and port must not hold a colon: ${target.service}, ${target.port}`);
  }
  const services = collectionPath(resources.services, namespace);
  return `${services}/${target.scheme}:${name}:${port}/proxy/${pathWithin(path)}`;
}

/**
 * Asks a service through the API server. The service's own answer is returned whatever its status; only what the
 * API server itself has to say (no endpoint, forbidden, no such service) is an error.
 *
 * @param path Plain segments, not yet escaped; dots and escapes that leave the service are refused
 * @throws KubeError
 */
export async function serviceProxy(
  requester: Requester,
  namespace: string,
  target: ServicePort,
  path: string,
  options: ServiceProxyOptions = {},
): Promise<Answer> {
  const asked = { method: options.method ?? "GET", path: proxyPath(namespace, target, path) };
  if (options.body !== undefined && asked.method !== "POST")
    throw invalidCall("a body needs method POST", asked);
  const answer = await requester.raw({
    ...asked,
    signal: options.signal,
    timeoutMs: options.timeoutMs,
    query: options.query,
    headers: options.headers,
    body: options.body,
    accept: "*/*",
    repeatable: false,
  });
  const failed = answer.status < 200 || answer.status > 299;
  if (failed && parseStatus(answer.text)) {
    throw errorOfAnswer(asked, answer.status, answer.text, answer.headers.get("retry-after"));
  }
  return answer;
}

/**
 * The same for an answer that goes on and on: its body is read by the caller, and the deadline holds for its head only.
 *
 * @throws KubeError also for every answer that is not a 200
 */
export async function serviceProxyStream(
  requester: Requester,
  namespace: string,
  target: ServicePort,
  path: string,
  options: Pick<ServiceProxyOptions, "query" | "headers" | "signal" | "timeoutMs"> = {},
): Promise<Response> {
  return requester.stream({
    method: "GET",
    path: proxyPath(namespace, target, path),
    signal: options.signal,
    timeoutMs: options.timeoutMs,
    query: options.query,
    headers: options.headers,
    accept: "*/*",
    repeatable: false,
  });
}
