import type { Kube } from "./client.ts";
import type { Query } from "./paths.ts";
import type { Answer } from "./request.ts";
import { createServiceIdentity, type CalledService } from "./service-identity.ts";

/** The service answered, and not with 200. */
export class ServiceRefusal extends Error {
  override readonly name = "ServiceRefusal";
  readonly status: number;

  constructor(service: string, { status, text }: Pick<Answer, "status" | "text">) {
    super(`${service} answered ${status}: ${refusalOf(text)}`);
    this.status = status;
  }
}

/** One question. */
export interface ServiceQuestion {
  readonly method?: "GET" | "POST";
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: string;
  /** For all of it, waiting included, in milliseconds. */
  readonly timeoutMs: number;
}

/** The service's answer, whose status is 200; see {@link createServiceCaller}. */
export type ServiceCaller = (path: string, question: ServiceQuestion) => Promise<Answer>;

/** Longest that one request waits for its answer: an API server's proxy gives up after a minute. */
const oneRequestMs = 60_000;

/**
 * Asks a service through the API server's service proxy, as `createServiceIdentity` says. A service that answers 503
 * and says when to come back is asked again.
 *
 * @throws KubeError when the API server does not let the question through
 * @throws ServiceRefusal when the service refuses
 */
export function createServiceCaller(
  kube: Pick<Kube, "serviceProxy" | "surroundings" | "tokenRequest">,
  service: CalledService,
): ServiceCaller {
  const { now, sleep } = kube.surroundings;
  const identity = createServiceIdentity(kube, service);

  return async (path, { method = "GET", query, body, timeoutMs }) => {
    const deadline = now() + timeoutMs;
    for (;;) {
      const answer = await kube.serviceProxy(service.namespace, service.target, path, {
        method,
        headers: {
          ...(await identity()),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(query === undefined ? {} : { query }),
        ...(body === undefined ? {} : { body }),
        timeoutMs: Math.max(1, Math.min(oneRequestMs, deadline - now())),
      });
      if (answer.status === 200) return answer;
      const pauseMs = 1000 * Number(answer.headers.get("retry-after") ?? Number.NaN);
      if (answer.status !== 503 || !(pauseMs > 0) || now() + pauseMs >= deadline)
        throw new ServiceRefusal(service.name, answer);
      await sleep(pauseMs);
    }
  };
}

/** The `message` of a refusal in JSON. */
function refusalOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message : "no reason given";
  } catch {
    return "no reason given";
  }
}
