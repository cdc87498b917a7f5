/** The host part of image references: which texts are one, and the one spelling that each registry has. */
import { quoted } from "./quoted.ts";

/** Docker Hub, as references name it. */
export const dockerHub = "docker.io";
const dockerHubHosts = new Set(["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);

// Each expression is anchored, is run on one part of a bounded text, and reads no character in two ways: linear time.
const hostLabel = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/;
const bracketedIpv6 = /^\[[a-fA-F0-9:]+\]$/;
const portNumber = /^[0-9]+$/;

/** Whether the first part of a reference is a registry: when it cannot be a path component of Docker Hub. */
export function isHost(first: string): boolean {
  return first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
}

function splitPort(host: string): { name: string; port?: string } {
  const colon = host.lastIndexOf(":");
  return colon === -1 || host.endsWith("]")
    ? { name: host }
    : { name: host.slice(0, colon), port: host.slice(colon + 1) };
}

/** What is wrong with a registry host, in a few words; `undefined` when it is one. */
export function checkHost(host: string): string | undefined {
  const { name, port } = splitPort(host);
  const valid = bracketedIpv6.test(name) || name.split(".").every((label) => hostLabel.test(label));
  if (!valid)
    return `expected a registry host (a DNS name, an IPv4 address or an IPv6 address in brackets), got ${quoted(host)}`;
  if (port !== undefined && (!portNumber.test(port) || Number(port) > 65_535))
    return `expected a port number after the registry host, got ${quoted(port)}`;
  return undefined;
}

/** One spelling for each registry; the head of `image-reference.ts` says why. */
export function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  // A bare name such as `Foo` is a host only because of its upper case; in lower case its port tells it for one.
  if (!/[.:]/.test(lower) && lower !== "localhost") return `${lower}:443`;
  const { name: written, port } = splitPort(lower);
  const name = written.startsWith("[") ? shortestIpv6(written) : written;
  // Without a port, runtimes reach a loopback registry over plain HTTP: there `:443` is another place.
  const plain = name === "localhost" || name.startsWith("127.") || name === "[::1]";
  const usual = !plain && (name.includes(".") || name.endsWith("]"));
  const kept = port === undefined || (usual && Number(port) === 443) ? undefined : Number(port);
  if (kept !== undefined) return `${name}:${kept}`;
  return dockerHubHosts.has(name) ? dockerHub : name;
}

/** An IPv6 address in brackets as RFC 5952 writes it; what is none stays as it is, for nobody can dial it. */
function shortestIpv6(bracketed: string): string {
  const halves = bracketed.slice(1, -1).split("::");
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - tail.length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return bracketed;
  const groups = [...head, ...Array.from({ length: missing }, () => "0"), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return bracketed;
  const short = groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":");
  // The longest run of zero groups, the first of several; a single one is written out.
  const [longest = ""] = (short.match(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g) ?? []).sort(
    (a, b) => b.length - a.length,
  );
  if (longest === "") return `[${short}]`;
  const at = short.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`));
  const [before, after] = [short.slice(0, at), short.slice(at + longest.length)];
  return `[${before.replace(/:$/, "")}::${after.replace(/^:/, "")}]`;
}
