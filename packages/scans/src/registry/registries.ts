import { LRUCache } from "lru-cache";
import type { Credential } from "../credentials/login.ts";
import { createRegistryClient, type RegistryClient } from "./client.ts";
import { isNamedHost } from "./hosts.ts";
import { createPace, type Pace, type PaceOptions } from "./pace.ts";
import type { RegistryFetch } from "./transport.ts";

/** How the registries of one source are reached. */
export interface Connection {
  /** Host patterns; see `isNamedHost`. */
  registries: readonly string[];
  credential: Credential;
  plainHttp?: boolean | undefined;
  endpoint?: string | undefined;
  /** PEM. */
  ca?: string | undefined;
  tokenRealms?: readonly string[] | undefined;
}

/** The registries that may be dialled, each with one client. */
export interface Registries {
  names(registry: string): boolean;
  /** @throws RangeError for a registry that no connection names: nothing may be sent there. */
  client(registry: string): RegistryClient;
}

/** Hosts under a wildcard are the requester's to choose: clients and paces are kept for so many of them. */
const keptHosts = 500;

/** Clients are made when they are first asked for; what two of them ask of the same host shares its pace. */
export function createRegistries(options: {
  /** The first that names a registry says how it is reached. */
  connections: readonly Connection[];
  fetch: RegistryFetch;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds of a clock that never goes back, for paces. @default performance.now */
  clock?: (() => number) | undefined;
  pace?: PaceOptions | undefined;
  requestTimeoutMs?: number | undefined;
}): Registries {
  const { connections, fetch, now } = options;
  const clock = options.clock ?? (() => performance.now());
  const clients = new LRUCache<string, RegistryClient>({ max: keptHosts });
  const paces = new LRUCache<string, Pace>({ max: keptHosts });
  const find = (registry: string): Connection | undefined =>
    connections.find(({ registries }) => isNamedHost(registries, registry));

  function paceFor(host: string): Pace {
    let pace = paces.get(host);
    if (pace === undefined) {
      pace = createPace(host, clock, options.pace);
      paces.set(host, pace);
    }
    return pace;
  }

  return {
    names: (registry) => find(registry) !== undefined,
    client(registry) {
      const known = clients.get(registry);
      if (known !== undefined) return known;
      const connection = find(registry);
      if (connection === undefined) throw new RangeError(`no source names the registry ${registry}`);
      const client = createRegistryClient({
        registry,
        credential: connection.credential,
        fetch,
        now,
        pace: paceFor,
        ...(connection.plainHttp === true ? { plainHttp: true } : {}),
        ...(connection.endpoint === undefined ? {} : { endpoint: connection.endpoint }),
        ...(connection.ca === undefined ? {} : { ca: connection.ca }),
        ...(connection.tokenRealms === undefined ? {} : { tokenRealms: connection.tokenRealms }),
        ...(options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs }),
      });
      clients.set(registry, client);
      return client;
    },
  };
}
