/**
 * What a report says its image is called.
 */
import { isDigest, parseImageReference } from "@gatehouse/policy";
import type { Platform } from "@gatehouse/policy";
import type { ReportedImage } from "./parsed.ts";
import { asText } from "./values.ts";

/** Endings and beginnings of what scanners are also pointed at: archives, files, folders. */
const notAReference =
  /^[./~]|\.(?:tar|tgz|tar\.\w+|json|sarif|spdx|cdx|xml)$|^(?:sbom|dir|file|oci-dir|docker-archive|oci-archive):/i;
/** Where Grype was told to take the image from. */
const scheme = /^(?:registry|docker|podman|containerd):(?=.*[/:@])(?!\d+\/)/;

/**
 * One entry for each repository that `references` name (`ghcr.io/acme/app:1.2`, `acme/app@sha256:…`), in order of first
 * mention; what is no reference is left out. `digests` are those of the image itself, which hold in every repository.
 */
export function imageNames(
  references: readonly unknown[],
  digests: readonly unknown[] = [],
): ReportedImage[] {
  const common = digests.filter((digest): digest is string => typeof digest === "string" && isDigest(digest));
  const parsed = references.flatMap((reference) => {
    const text = asText(reference)?.trim();
    if (text === undefined || notAReference.test(text)) return [];
    const result = parseImageReference(text.replace(scheme, ""));
    return result.ok ? [result.reference] : [];
  });
  const named = new Map<
    string,
    { registry: string; repository: string; digests: string[]; tags: string[] }
  >();
  for (const { registry, repository, tag, digest } of parsed) {
    const key = `${registry}/${repository}`;
    const entry = named.get(key) ?? { registry, repository, digests: [], tags: [] };
    named.set(key, entry);
    if (tag !== undefined && !entry.tags.includes(tag)) entry.tags.push(tag);
    if (digest !== undefined && !entry.digests.includes(digest)) entry.digests.push(digest);
  }
  if (named.size === 0) return common.length === 0 ? [] : [{ digests: [...new Set(common)], tags: [] }];
  return [...named.values()].map((entry) => ({
    ...entry,
    digests: [...new Set([...entry.digests, ...common])],
  }));
}

/** `os/architecture[/variant]` in the form that OCI indexes use; undefined unless both are known. */
export function platformOf(os: unknown, architecture: unknown, variant?: unknown): Platform | undefined {
  const parts = [os, architecture].map((part) => asText(part)?.trim().toLowerCase());
  const [system, machine] = parts;
  if (
    system === undefined ||
    machine === undefined ||
    !/^[a-z0-9]+\/[a-z0-9_]+$/.test(`${system}/${machine}`)
  )
    return undefined;
  const kind = asText(variant)?.trim().toLowerCase();
  // Every 64-bit Arm is v8, and most tools leave it out.
  return kind === undefined || !/^[a-z0-9]+$/.test(kind) || (machine === "arm64" && kind === "v8")
    ? `${system}/${machine}`
    : `${system}/${machine}/${kind}`;
}
