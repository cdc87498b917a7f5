import * as z from "zod/mini";
import { parseBoundedJson } from "../parse/bounded-json.ts";
import { RegistryError } from "./errors.ts";

/** Most values in a manifest, or in an image's configuration; real ones have a few thousand at the most. */
export const mostManifestValues = 100_000;

const text = z.string().check(z.maxLength(4096));
const digestText = z.string().check(z.regex(/^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[A-Za-z0-9=_-]{1,256}$/));

/** Content by digest, as OCI and Docker describe it. Unknown fields are left out. */
const descriptorSchema = z.object({
  mediaType: text,
  digest: digestText,
  size: z.number().check(z.int(), z.minimum(0)),
  artifactType: z.optional(text),
  annotations: z.optional(z.nullable(z.record(z.string(), z.string()))),
  platform: z.optional(z.nullable(z.object({ os: text, architecture: text, variant: z.optional(text) }))),
});
/** Content as a manifest or an index names it, with the fields that are read here. */
export type Descriptor = z.infer<typeof descriptorSchema>;

const manifestSchema = z.object({
  mediaType: z.optional(text),
  artifactType: z.optional(text),
  config: descriptorSchema,
  layers: z.optional(z.nullable(z.array(descriptorSchema).check(z.maxLength(10_000)))),
  subject: z.optional(z.nullable(descriptorSchema)),
  annotations: z.optional(z.nullable(z.record(z.string(), z.string()))),
});

const indexSchema = z.object({
  mediaType: z.optional(text),
  artifactType: z.optional(text),
  manifests: z.nullable(z.array(descriptorSchema).check(z.maxLength(10_000))),
  annotations: z.optional(z.nullable(z.record(z.string(), z.string()))),
});

/** One image or artifact. */
export interface ImageManifest extends z.infer<typeof manifestSchema> {
  kind: "manifest";
}
/** A list of manifests, one for each platform or referrer. */
export interface ImageIndex extends Omit<z.infer<typeof indexSchema>, "manifests"> {
  kind: "index";
  manifests: readonly Descriptor[];
}

/** Media types that are asked for, newest form first. */
export const indexTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
] as const;
/** Media types of what is no index, newest form first. */
export const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
] as const;
/** The `Accept` header of every request for a manifest. */
export const acceptManifests = [...indexTypes, ...manifestTypes].join(", ");

/**
 * Reads a manifest. Its type comes from the `Content-Type` and must be the one that the body names: bytes that can be
 * read as both an index and an image are refused, since another reader could take them for the other
 * (OCI image specification, "Content-Type confusion", CVE-2021-41190).
 */
export function parseManifest(
  bytes: Uint8Array,
  contentType: string,
  where: string,
): ImageManifest | ImageIndex {
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  const body = parseObject(bytes, where);
  const isIndex = (indexTypes as readonly string[]).includes(type);
  if (!isIndex && !(manifestTypes as readonly string[]).includes(type))
    throw new RegistryError("unsupported", `${where}: media type ${JSON.stringify(type)} is not read`);
  if (typeof body["mediaType"] === "string" && body["mediaType"].toLowerCase() !== type)
    throw new RegistryError(
      "malformed",
      `${where}: sent as ${type}, but calls itself ${JSON.stringify(body["mediaType"])}`,
    );
  const other = isIndex ? ["layers", "config", "fsLayers"] : ["manifests", "fsLayers"];
  const both = other.find((field) => body[field] !== undefined && body[field] !== null);
  if (both !== undefined)
    throw new RegistryError("malformed", `${where}: sent as ${type}, but also holds ${JSON.stringify(both)}`);
  if (isIndex) {
    const index = check(indexSchema, body, where);
    return { ...index, kind: "index", manifests: index.manifests ?? [] };
  }
  return { ...check(manifestSchema, body, where), kind: "manifest" };
}

function parseObject(bytes: Uint8Array, where: string): Record<string, unknown> {
  try {
    const value = parseBoundedJson(bytes, mostManifestValues);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (error) {
    if (error instanceof RangeError) throw new RegistryError("too-large", `${where}: ${error.message}`);
    // What is no JSON is told below.
  }
  throw new RegistryError("malformed", `${where}: expected a JSON object`);
}

function check<T>(schema: z.ZodMiniType<T>, value: unknown, where: string): T {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const problem = result.error.issues[0];
  throw new RegistryError(
    "malformed",
    `${where}: ${problem?.path.join(".") ?? ""}: ${problem?.message ?? "not a manifest"}`,
  );
}

/**
 * Whether a runtime could take this entry of an index: attestations and other `unknown` platforms never match a node.
 * Nothing else is left out, least of all by an annotation, which the author of the image chooses.
 */
export function isRunnable({ platform }: Descriptor): boolean {
  return platform?.os !== "unknown" && platform?.architecture !== "unknown";
}

/** `linux/arm64/v8`; `undefined` for an entry that names no platform. */
export function platformOf({ platform }: Descriptor): string | undefined {
  if (!platform || platform.os === "" || platform.architecture === "") return undefined;
  const { os, architecture, variant } = platform;
  return variant === undefined || variant === ""
    ? `${os}/${architecture}`
    : `${os}/${architecture}/${variant}`;
}
