import type { Kube } from "./client.ts";
import type { ServicePort } from "./service-proxy.ts";

/** A service of the cluster that wants to know who asks. */
export interface CalledService {
  readonly namespace: string;
  readonly target: ServicePort;
  /** What errors call it, such as `the observer`. */
  readonly name: string;
  /** The service account as which it is asked. */
  readonly serviceAccount: string;
  /** Where that is. @default the service's namespace */
  readonly accountNamespace?: string;
  /** Audience of its tokens, and the header that carries one. */
  readonly audience: string;
  readonly header: string;
}

/** A header that says who asks; made anew when its token ends soon. */
export type ServiceIdentity = () => Promise<Readonly<Record<string, string>>>;

/** Share of a token's life after which it is replaced. */
const renewAt = 0.8;

/**
 * Who asks a service behind the API server's service proxy, which strips identity: a short-lived token of a service
 * account in a header of its own, asked for when it is first needed.
 *
 * @param options.seconds Life of a token. @default 600
 * @throws KubeError when there is no token to be had; the next call asks again
 */
export function createServiceIdentity(
  kube: Pick<Kube, "surroundings" | "tokenRequest">,
  service: Pick<CalledService, "namespace" | "serviceAccount" | "accountNamespace" | "audience" | "header">,
  options: { readonly seconds?: number } = {},
): ServiceIdentity {
  const { seconds = 600 } = options;
  const { now } = kube.surroundings;
  const { accountNamespace = service.namespace } = service;
  const marginMs = seconds * 1000 * (1 - renewAt);
  let issued: ReturnType<Kube["tokenRequest"]> | undefined;

  return async () => {
    // Callers at the same time wait for the same token.
    const known = await issued?.catch(() => undefined);
    if (known !== undefined && known.expiresAt - now() > marginMs) return { [service.header]: known.token };
    issued = kube.tokenRequest(accountNamespace, service.serviceAccount, {
      audiences: [service.audience],
      expirationSeconds: seconds,
    });
    return { [service.header]: (await issued).token };
  };
}
