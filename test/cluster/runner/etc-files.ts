/**
 * The files of /etc that a kubelet or the image gives to every container of a Pod.
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { resolvConf } from "../dns.ts";
import type { Mount } from "./root.ts";
import { nameOf } from "./types.ts";

const etcNames = ["hosts", "resolv.conf", "hostname", "passwd", "group"] as const;

/** Users that distroless images know, each with a group of its own. */
const users = [
  ["root", 0],
  ["nobody", 65534],
  ["nonroot", 65532],
] as const;

/** The mounts of what `writeEtcFiles` wrote into the Pod's folder. */
export function etcFiles(folder: string): Mount[] {
  return etcNames.map((name) => ({
    source: join(folder, "etc", name),
    path: `/etc/${name}`,
    readOnly: name === "passwd" || name === "group",
    isFile: true,
  }));
}

/** Writes a Pod's own files of /etc: names, resolver, and the users that distroless images know. */
export async function writeEtcFiles(folder: string, pod: Pod, podIp: string): Promise<void> {
  const { namespace, name } = nameOf(pod);
  const hostname = pod.spec?.hostname ?? name;
  const aliases = (pod.spec?.hostAliases ?? []).map(
    ({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}\n`,
  );
  const contents: Record<(typeof etcNames)[number], string> = {
    hosts: `127.0.0.1\tlocalhost\n::1\tlocalhost\n${podIp}\t${hostname}\n${aliases.join("")}`,
    "resolv.conf": resolvConf(namespace),
    hostname: `${hostname}\n`,
    passwd: users.map(([name, id]) => `${name}:x:${id}:${id}:${name}:/:/sbin/nologin\n`).join(""),
    group: users.map(([name, id]) => `${name}:x:${id}:\n`).join(""),
  };
  await mkdir(join(folder, "etc"), { recursive: true });
  for (const file of etcNames) await writeFile(join(folder, "etc", file), contents[file]);
}
