import type { FindingPackage } from "@gatehouse/policy";
import { defined } from "../parse/values.ts";

/** Types whose names carry their namespace, and what stands between the two in a scanner's name. */
const separators: Readonly<Record<string, string>> = {
  npm: "/",
  golang: "/",
  composer: "/",
  maven: ":",
};

/**
 * Package URL (https://github.com/package-url/purl-spec) of a package that a cloud names by type, name and version.
 * Operating system packages need their distribution; without it there is no URL, for another's would be a lie.
 */
export function purlOf(options: {
  type: string | undefined;
  name: string;
  version?: string | undefined;
  distribution?: string | undefined;
}): string | undefined {
  const { type, version, distribution } = options;
  if (type === undefined) return undefined;
  const isOs = type === "deb" || type === "rpm" || type === "apk" || type === "alpm";
  if (isOs && distribution === undefined) return undefined;
  const separator = separators[type];
  const at = separator === undefined ? -1 : options.name.lastIndexOf(separator);
  const namespace = isOs ? distribution : at > 0 ? options.name.slice(0, at) : undefined;
  let name = at > 0 ? options.name.slice(at + 1) : options.name;
  // A Maven name without its group, or a name that is nothing but a namespace, is no package.
  if (name === "" || (type === "maven" && namespace === undefined)) return undefined;
  if (type === "pypi") name = name.toLowerCase().replaceAll("_", "-");
  const path = [...(namespace === undefined ? [] : namespace.split("/")), name].map(encode).join("/");
  return `pkg:${type}/${path}${version === undefined ? "" : `@${encode(version)}`}`;
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("%3A", ":");
}

/** A finding's package, with its URL where that can be told. */
export function packageOf(options: {
  type: string | undefined;
  name: string;
  version?: string | undefined;
  path?: string | undefined;
  distribution?: string | undefined;
}): FindingPackage {
  const { type, name, version, path } = options;
  return defined({ name, version, type, purl: purlOf(options), path });
}

/** Package type and distribution by an operating system's name in any spelling (`DEBIAN_11`, `alpine_linux`). */
export function operatingSystem(name: string): { type: string; distribution: string } | undefined {
  const word = name.toLowerCase().replaceAll(/[^a-z]+/g, "");
  for (const [start, type, distribution] of systems)
    if (word.startsWith(start)) return { type, distribution };
  return undefined;
}

const systems = [
  ["debian", "deb", "debian"],
  ["ubuntu", "deb", "ubuntu"],
  ["alpine", "apk", "alpine"],
  ["wolfi", "apk", "wolfi"],
  ["chainguard", "apk", "chainguard"],
  ["minimos", "apk", "minimos"],
  ["amazon", "rpm", "amzn"],
  ["redhat", "rpm", "redhat"],
  ["rhel", "rpm", "redhat"],
  ["centos", "rpm", "centos"],
  ["oracle", "rpm", "oracle"],
  ["rocky", "rpm", "rocky"],
  ["alma", "rpm", "almalinux"],
  ["fedora", "rpm", "fedora"],
  ["suse", "rpm", "suse"],
  ["opensuse", "rpm", "opensuse"],
  ["sles", "rpm", "suse"],
  ["photon", "rpm", "photon"],
  ["azurelinux", "rpm", "azurelinux"],
  ["cblmariner", "rpm", "mariner"],
] as const;
