/**
 * The cluster's network, inside a namespace of its own: a bridge for Pods, each with a network namespace, one address
 * and a veth pair; all other addresses (API server, nodes, Services, what is outside of the cluster) live on `lo`.
 * Parts can be cut: packets then vanish, as behind a broken router, and nobody is told.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { apiServerAddress, dnsAddress, podGateway, podNetwork } from "./addresses.ts";

/** Which packets are lost: those from `from` (absent: from everybody) to the address `to`. */
export interface Cut {
  /** `control-plane` is every program beside the Pods, the API server above all; else an address of a Pod. */
  readonly from?: "control-plane" | (string & {});
  /** An IPv4 address, of a Pod, a Service or something outside. */
  readonly to: string;
}

/** The network of one cluster. All methods can be called at any time and in any number at once. */
export interface Network {
  /** Adds an address to the namespace's own interface; adding it again changes nothing. */
  addAddress(address: string): Promise<void>;
  removeAddress(address: string): Promise<void>;
  /** Makes a Pod's network namespace and returns its file, for `nsenter --net=`. */
  addPod(address: string): Promise<string>;
  removePod(address: string): Promise<void>;
  cut(cut: Cut): Promise<void>;
  heal(cut: Cut): Promise<void>;
}

const voidTable = "66";
const voidGateway = "10.255.255.254";

/** Builds the network: brings `lo` up, makes the bridge, and the device on which cut packets end. */
export async function createNetwork(): Promise<Network> {
  // A file system of our own over /run, private to this mount namespace, so that `ip netns` leaves nothing on the machine.
  await run("mount", ["-t", "tmpfs", "tmpfs", "/run"]);
  await mkdir("/run/netns", { recursive: true });
  await writeFile("/proc/sys/net/ipv4/ip_forward", "1");
  await ip([
    "link set lo up",
    "link add name pods type bridge",
    `addr add ${podGateway}/32 dev pods`,
    "link set pods up",
    `route add unreachable ${podNetwork}`,
    "link add name void0 type veth peer name void1",
    "link set void0 up",
    "link set void1 up",
    `neigh add ${voidGateway} lladdr 02:00:00:00:00:01 dev void0 nud permanent`,
    `route add default via ${voidGateway} dev void0 onlink table ${voidTable}`,
    // Cuts have to come before the table of local addresses, which is the first unless moved.
    "rule add pref 100 lookup local",
    "rule del pref 0",
    `addr add ${apiServerAddress}/32 dev lo`,
    `addr add ${dnsAddress}/32 dev lo`,
  ]);

  return {
    addAddress: (address) => ip([`addr replace ${address}/32 dev lo`]),
    removeAddress: (address) => ip([`addr del ${address}/32 dev lo`]),
    addPod: async (address) => {
      const name = namespaceName(address);
      const outer = `p${name}`;
      await run("ip", ["netns", "add", name]);
      await ip([
        `link add name ${outer} type veth peer name eth0 netns ${name}`,
        `link set ${outer} master pods up`,
        `route add ${address}/32 dev pods`,
      ]);
      await ip(
        [
          "link set lo up",
          `addr add ${address}/32 dev eth0`,
          "link set eth0 up",
          `route add ${podGateway} dev eth0`,
          `route add default via ${podGateway} src ${address}`,
        ],
        ["-n", name],
      );
      return `/run/netns/${name}`;
    },
    removePod: async (address) => {
      const name = namespaceName(address);
      await ip([`route del ${address}/32 dev pods`, `link del p${name}`]);
      await run("ip", ["netns", "del", name]);
    },
    cut: (cut) => ip([`rule add pref 10 ${selector(cut)} lookup ${voidTable}`]),
    heal: (cut) => ip([`rule del pref 10 ${selector(cut)} lookup ${voidTable}`]),
  };
}

function selector({ from, to }: Cut): string {
  if (from === undefined) return `to ${to}`;
  return from === "control-plane" ? `iif lo to ${to}` : `from ${from} to ${to}`;
}

/** The last two bytes of a Pod's address in hexadecimal: unique in `podNetwork`, short enough for a device's name. */
function namespaceName(address: string): string {
  const bytes = address.split(".").slice(2).map(Number);
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ip(lines: readonly string[], options: readonly string[] = []): Promise<void> {
  await run("ip", [...options, "-batch", "-"], `${lines.join("\n")}\n`);
}

/** Runs a short program to its end. @throws with what it wrote to standard error when it fails. */
export async function run(command: string, args: readonly string[], input?: string): Promise<void> {
  const child = spawn(command, args, { stdio: ["pipe", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString("utf8")));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) {
    throw new Error(`${command} ${args.join(" ")} failed: ${errors.trim()}${input ? `\n${input}` : ""}`);
  }
}
