import { lookup as systemLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/**
 * Addresses that lead to the machine itself, to its neighbours by link, or to nobody: where cloud metadata servers
 * and kubelets listen. IPv4 ranges also cover their IPv4-mapped IPv6 forms.
 */
const local = blockList([
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  ["::", 128],
  ["::1", 128],
  ["fe80::", 10],
  ["ff00::", 8],
  // The metadata servers of AWS and Google over IPv6.
  ["fd00:ec2::", 32],
  ["fd20:ce::", 32],
  // Platform address of Azure hosts (wire server, DNS).
  ["168.63.129.16", 32],
  ["100.100.100.200", 32],
]);

/** Private ranges (RFC 1918, RFC 6598, RFC 4193): right for a registry that a source names, for no one else. */
const privateRanges = blockList([
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["fc00::", 7],
]);

function blockList(subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, net.includes(":") ? "ipv6" : "ipv4");
  return list;
}

/**
 * How far a connection may lead.
 * - `any`: the source names this address itself (an IP literal, `localhost`, an `endpoint`).
 * - `private`: a registry named by its DNS name; private endpoints answer with private addresses.
 * - `public`: a host that a registry's answer named (a realm or a redirect).
 */
export type Reach = "any" | "private" | "public";

/** Whether a connection of this reach may go to `address`, an IP address. What is no IP address may not. */
export function mayReach(address: string, reach: Reach): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  if (reach === "any") return true;
  const embedded = family === 6 ? embeddedIpv4(address) : undefined;
  if (embedded !== undefined && !mayReach(embedded, reach)) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  if (local.check(address, type)) return false;
  return reach === "private" || !privateRanges.check(address, type);
}

/** The IPv4 address that an IPv4-mapped (`::ffff:0:0/96`) or NAT64 (`64:ff9b::/96`) address stands for. */
function embeddedIpv4(address: string): string | undefined {
  const canonical = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1);
  const match = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (match === null) return undefined;
  const [high, low] = [match[1], match[2]].map((part) => Number.parseInt(part ?? "", 16));
  if (high === undefined || low === undefined) return undefined;
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Whether a host name is an IP address, in any spelling that a URL takes, or a name of the machine itself. */
export function isLiteralOrLocal(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  return (
    isIP(name.replace(/^\[|\]$/g, "")) !== 0 ||
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name.endsWith(".internal.cloudapp.net") ||
    name === "metadata.google.internal"
  );
}

/** A `lookup` for sockets that refuses a name when any of its addresses lies outside the reach. */
export function guardedLookup(reach: Reach): LookupFunction {
  return (hostname, options, callback) => {
    systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "");
      const bad = addresses.find(({ address }) => !mayReach(address, reach));
      const first = addresses[0];
      if (bad !== undefined || first === undefined)
        return callback(
          Object.assign(new Error(`${hostname} resolves to ${bad?.address ?? "nothing"}, which is refused`), {
            code: "EADDRREFUSED",
          }),
          "",
        );
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
