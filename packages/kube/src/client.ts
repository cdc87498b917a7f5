import type { KubeConfig } from "./config.ts";
import { hasApi, serverVersion, type ServerVersion } from "./discovery.ts";
import type { KubeObject } from "./objects.ts";
import {
  createRequester,
  type Answer,
  type CallOptions,
  type KubeOptions,
  type Surroundings,
} from "./request.ts";
import type { Resource } from "./resources.ts";
import { createReviews, type Reviews } from "./reviews.ts";
import {
  serviceProxy,
  serviceProxyStream,
  type ServicePort,
  type ServiceProxyOptions,
} from "./service-proxy.ts";
import type { Verbs } from "./verb-types.ts";
import { createVerbs } from "./verbs.ts";
import { watch, type WatchEvent, type WatchOptions } from "./watch.ts";

/** A client of one API server as one identity. */
export interface Kube extends Verbs, Reviews {
  readonly config: KubeConfig;
  /** Clock, timer and chance of this client, which informers and leases share. */
  readonly surroundings: Surroundings;
  /** One watch from a version on, until the server ends it. An informer is what most callers want. */
  watch<T extends KubeObject = KubeObject>(
    resource: Resource,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void>;
  /** Asks a service through the API server; see {@link serviceProxy}. */
  serviceProxy(
    namespace: string,
    target: ServicePort,
    path: string,
    options?: ServiceProxyOptions,
  ): Promise<Answer>;
  /** The same for an answer that goes on and on; see {@link serviceProxyStream}. */
  serviceProxyStream(
    namespace: string,
    target: ServicePort,
    path: string,
    options?: Pick<ServiceProxyOptions, "query" | "headers" | "signal" | "timeoutMs">,
  ): Promise<Response>;
  serverVersion(options?: CallOptions): Promise<ServerVersion>;
  /** Whether the API server serves `v1` or `group/version`. */
  hasApi(groupVersion: string, options?: CallOptions): Promise<boolean>;
}

/**
 * Makes a client. Nothing is sent until a verb is called.
 *
 * @example
 * const kube = createKube(await inCluster());
 * const pod = await kube.get(resources.pods, { namespace: "shop", name: "web-0" });
 * @throws KubeError `invalid` when the config cannot be used
 */
export function createKube(config: KubeConfig, options: KubeOptions = {}): Kube {
  const requester = createRequester(config, options);
  return {
    config,
    surroundings: requester.surroundings,
    ...createVerbs(requester),
    ...createReviews(requester),
    watch: (resource, options) => watch(requester, resource, options),
    serviceProxy: (...args) => serviceProxy(requester, ...args),
    serviceProxyStream: (...args) => serviceProxyStream(requester, ...args),
    serverVersion: (options) => serverVersion(requester, options),
    hasApi: (...args) => hasApi(requester, ...args),
  };
}
