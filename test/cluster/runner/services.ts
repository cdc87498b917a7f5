/**
 * Stands for kube-proxy: each TCP port of a ClusterIP leads to a ready endpoint, in turn. A port without endpoints
 * refuses connections, as kube-proxy makes it do.
 *
 * @module
 */
import type { Service } from "kubernetes-types/core/v1.d.ts";
import type { Endpoint, EndpointSlice } from "kubernetes-types/discovery/v1.d.ts";
import type { Dns } from "../dns.ts";
import { forward, type Forwarder } from "../forward.ts";
import type { Network } from "../network.ts";
import { dnsAddress } from "../addresses.ts";
import { nameOf } from "./types.ts";

interface Backend {
  readonly host: string;
  readonly port: number;
}

interface OpenPort {
  readonly forwarder: Forwarder;
  backends: readonly Backend[];
}

/** Follows Services and EndpointSlices; the calls may come in any order. */
export interface ServiceProxy {
  /** Brings the forwarders in line with these objects, after any earlier call has done so. */
  sync(services: readonly Service[], slices: readonly EndpointSlice[]): void;
  close(): Promise<void>;
}

/** Creates a proxy that forwards nothing yet. `notice` hears of ports that cannot be opened. */
export function createServiceProxy(
  network: Network,
  dns: Dns,
  notice: (message: string) => void,
): ServiceProxy {
  const ports = new Map<string, OpenPort>();
  const addresses = new Set<string>();
  const names = new Map<string, { readonly namespace: string; readonly name: string }>();
  let queue = Promise.resolve();

  async function apply(services: readonly Service[], slices: readonly EndpointSlice[]): Promise<void> {
    const wanted = new Map<string, readonly Backend[]>();
    const wantedAddresses = new Set<string>();
    const known = new Set<string>();
    for (const service of services) {
      const { namespace, name } = nameOf(service);
      const own = slices.filter(
        (slice) =>
          slice.metadata?.namespace === namespace &&
          slice.metadata.labels?.["kubernetes.io/service-name"] === name,
      );
      const clusterIp = service.spec?.clusterIP;
      known.add(`${namespace}/${name}`);
      names.set(`${namespace}/${name}`, { namespace, name });
      if (clusterIp === undefined || clusterIp === "None" || clusterIp === "") {
        dns.setService(
          namespace,
          name,
          own.flatMap((slice) => serving(slice).flatMap((e) => e.addresses)),
        );
        continue;
      }
      dns.setService(namespace, name, [clusterIp]);
      if (clusterIp === dnsAddress) continue;
      wantedAddresses.add(clusterIp);
      for (const port of service.spec?.ports ?? []) {
        if ((port.protocol ?? "TCP") !== "TCP") continue;
        const backends = own.flatMap((slice) => backendsOf(slice, port.name ?? ""));
        if (backends.length > 0) wanted.set(`${clusterIp}:${port.port}`, backends);
      }
    }
    for (const [key, { namespace, name }] of names) {
      if (known.has(key)) continue;
      dns.setService(namespace, name, []);
      names.delete(key);
    }
    for (const address of wantedAddresses) {
      if (!addresses.has(address)) await network.addAddress(address);
      addresses.add(address);
    }
    for (const [key, open] of ports) {
      if (wanted.has(key)) continue;
      ports.delete(key);
      open.forwarder.drain();
    }
    for (const [key, backends] of wanted) {
      const open = ports.get(key);
      if (open === undefined) ports.set(key, await openPort(key, backends));
      else open.backends = backends;
    }
    for (const address of addresses) {
      if (wantedAddresses.has(address)) continue;
      addresses.delete(address);
      await network.removeAddress(address);
    }
  }

  return {
    sync: (services, slices) => {
      queue = queue
        .then(() => apply(services, slices))
        .catch((error: unknown) => notice(`service proxy: ${(error as Error).message}`));
    },
    close: async () => {
      await queue;
      for (const open of ports.values()) await open.forwarder.close();
      ports.clear();
    },
  };
}

async function openPort(key: string, backends: readonly Backend[]): Promise<OpenPort> {
  const [host = "", port] = key.split(":");
  let turn = 0;
  let current = backends;
  const forwarder = await forward({ host, port: Number(port) }, () => current[turn++ % current.length]);
  return {
    forwarder,
    get backends() {
      return current;
    },
    set backends(value) {
      current = value;
    },
  };
}

/** Ready endpoints; if there are none, those that end but still serve. */
function serving(slice: EndpointSlice): Endpoint[] {
  const ready = slice.endpoints.filter((endpoint) => endpoint.conditions?.ready !== false);
  if (ready.length > 0) return ready;
  return slice.endpoints.filter(
    (endpoint) => endpoint.conditions?.serving === true && endpoint.conditions.terminating === true,
  );
}

function backendsOf(slice: EndpointSlice, portName: string): Backend[] {
  if (slice.addressType !== "IPv4") return [];
  const port = slice.ports?.find((candidate) => (candidate.name ?? "") === portName)?.port;
  if (port === undefined) return [];
  return serving(slice).flatMap((endpoint) => endpoint.addresses.map((host) => ({ host, port })));
}
