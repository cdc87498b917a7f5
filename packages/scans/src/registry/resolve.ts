import type { ImageReference } from "@gatehouse/policy";
import { parseBoundedJson } from "../parse/bounded-json.ts";
import type { ResolvedImage } from "../source.ts";
import type { RegistryClient, VerifiedManifest } from "./client.ts";
import { RegistryError } from "./errors.ts";
import {
  isRunnable,
  mostManifestValues,
  platformOf,
  type Descriptor,
  type ImageManifest,
} from "./manifest.ts";

type Child = ResolvedImage["platforms"][number];

const maxDepth = 3;
const maxChildren = 200;
const configLimit = 4 * 1024 * 1024;
const createdAnnotation = "org.opencontainers.image.created";

/** What a reference names now: the digest, and every platform's manifest with its own. */
export async function resolveImage(
  client: RegistryClient,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const name = reference.digest ?? reference.tag ?? "latest";
  const top = await client.manifest(reference.repository, name, signal);
  return await expandImage(client, reference.repository, top, signal);
}

/** The platforms of a manifest that has been read; reads nested indexes as far as needed. */
export async function expandImage(
  client: RegistryClient,
  repository: string,
  top: VerifiedManifest,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const { digest, manifest } = top;
  if (manifest.kind === "manifest")
    return { digest, platforms: [{ digest, ...(await describe(client, repository, manifest, signal)) }] };
  const platforms: Child[] = [];
  let pending = [{ entries: manifest.manifests, depth: 1 }];
  for (let read = 0; pending.length > 0;) {
    const nested: typeof pending = [];
    for (const { entries, depth } of pending)
      for (const entry of entries) {
        if (++read > maxChildren)
          throw new RegistryError("too-large", `${digest}: an index of more than ${maxChildren} entries`);
        if (!isIndex(entry)) {
          if (isRunnable(entry)) platforms.push(childOf(entry));
          continue;
        }
        if (depth >= maxDepth)
          throw new RegistryError("too-large", `${digest}: indexes nested deeper than ${maxDepth}`);
        const inner = (await client.manifest(repository, entry.digest, signal)).manifest;
        if (inner.kind === "index") nested.push({ entries: inner.manifests, depth: depth + 1 });
        else throw new RegistryError("malformed", `${entry.digest}: announced as an index and is none`);
      }
    pending = nested;
  }
  const created = instant(manifest.annotations?.[createdAnnotation]);
  return {
    digest,
    platforms: created === undefined ? platforms : platforms.map((one) => ({ createdAt: created, ...one })),
  };
}

/** When a platform's image of an index was built; asks for its manifest and configuration. */
export async function readCreatedAt(
  client: RegistryClient,
  repository: string,
  digest: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { manifest } = await client.manifest(repository, digest, signal);
  if (manifest.kind !== "manifest") return undefined;
  return (await describe(client, repository, manifest, signal)).createdAt;
}

function isIndex({ mediaType }: Descriptor): boolean {
  return mediaType.endsWith("image.index.v1+json") || mediaType.endsWith("manifest.list.v2+json");
}

function childOf(entry: Descriptor): Child {
  const platform = platformOf(entry);
  const createdAt = instant(entry.annotations?.[createdAnnotation]);
  return {
    digest: entry.digest,
    ...(platform === undefined ? {} : { platform }),
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}

/**
 * Platform and age of a plain manifest, from its annotation or else its configuration. Neither is needed to judge its
 * findings, so what cannot be read is unknown and no failure.
 */
async function describe(
  client: RegistryClient,
  repository: string,
  manifest: ImageManifest,
  signal: AbortSignal,
): Promise<Omit<Child, "digest">> {
  const annotated = instant(manifest.annotations?.[createdAnnotation]);
  if (!/\.image\.(?:config\.)?v1\+json$/.test(manifest.config.mediaType))
    return annotated === undefined ? {} : { createdAt: annotated };
  try {
    const bytes = await client.blob(repository, manifest.config, signal, configLimit);
    const config = parseBoundedJson(bytes, mostManifestValues) as Record<string, unknown>;
    const [os, architecture, variant] = ["os", "architecture", "variant"].map((field) => config[field]);
    const createdAt = annotated ?? instant(config["created"]);
    const platform = [os, architecture, variant].filter((part) => typeof part === "string" && part !== "");
    return {
      ...(typeof os === "string" && typeof architecture === "string" ? { platform: platform.join("/") } : {}),
      ...(createdAt === undefined ? {} : { createdAt }),
    };
  } catch {
    signal.throwIfAborted();
    return annotated === undefined ? {} : { createdAt: annotated };
  }
}

/** RFC 3339 brought to UTC; builders that want the same bytes each time write 1970, which tells no age. */
function instant(value: unknown): string | undefined {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT/.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) || time <= 0 ? undefined : new Date(time).toISOString();
}
