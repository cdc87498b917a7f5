/**
 * The cluster's DNS server: Services by name, and names that a test gives. Every other name does not exist.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { decode, encode, AUTHORITATIVE_ANSWER, type Answer } from "dns-packet";
import { clusterDomain, dnsAddress } from "./addresses.ts";

/** Names and their addresses; several addresses are those of a headless Service. */
export interface Dns {
  /** Sets a name outside of the cluster, such as that of a registry. */
  setHost(name: string, address: string): void;
  /** Sets the addresses of a Service; none removes it. */
  setService(namespace: string, name: string, addresses: readonly string[]): void;
}

const nameDoesNotExist = 3;

/** Starts the server on the cluster's DNS address, port 53, UDP. */
export async function startDns(): Promise<Dns> {
  const names = new Map<string, readonly string[]>();
  const socket = createSocket("udp4");
  socket.on("message", (message, peer) => {
    let reply: Buffer;
    try {
      reply = answer(message, names);
    } catch {
      // Not a DNS query: a server stays silent.
      return;
    }
    socket.send(reply, peer.port, peer.address);
  });
  socket.bind(53, dnsAddress);
  await once(socket, "listening");
  return {
    setHost: (name, address) => void names.set(name.toLowerCase(), [address]),
    setService: (namespace, name, addresses) => {
      const fullName = `${name}.${namespace}.svc.${clusterDomain}`;
      if (addresses.length === 0) names.delete(fullName);
      else names.set(fullName, addresses);
    },
  };
}

/** What a Pod in `namespace` finds in /etc/resolv.conf. */
export function resolvConf(namespace: string): string {
  const search = [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  return `nameserver ${dnsAddress}\nsearch ${search.join(" ")}\noptions ndots:5\n`;
}

function answer(message: Buffer, names: ReadonlyMap<string, readonly string[]>): Buffer {
  const { id, questions = [] } = decode(message);
  const [question] = questions;
  const addresses = names.get((question?.name ?? "").toLowerCase());
  const answers: Answer[] =
    question?.type === "A"
      ? (addresses ?? []).map((data) => ({ type: "A", name: question.name, ttl: 5, data }))
      : [];
  const flags = AUTHORITATIVE_ANSWER | (addresses === undefined ? nameDoesNotExist : 0);
  return encode({ type: "response", ...(id !== undefined && { id }), flags, questions, answers });
}
