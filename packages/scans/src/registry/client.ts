import { createHash } from "node:crypto";
import pLimit from "p-limit";
import { readBody } from "./body.ts";
import { RegistryError } from "./errors.ts";
import {
  acceptManifests,
  parseManifest,
  type Descriptor,
  type ImageIndex,
  type ImageManifest,
} from "./manifest.ts";
import { readReferrers, type ReferrerList } from "./referrers.ts";
import { createRequests, type RegistryOptions } from "./requests.ts";

/** A manifest whose bytes match its digest. */
export interface VerifiedManifest {
  /** SHA-256 of the bytes received. */
  digest: string;
  mediaType: string;
  size: number;
  manifest: ImageManifest | ImageIndex;
}

/** Reads from one registry. All methods reject with a `RegistryError`, or with the signal's reason. */
export interface RegistryClient {
  /** By tag or digest. The digest returned is computed, never taken from a header. */
  manifest(repository: string, reference: string, signal: AbortSignal): Promise<VerifiedManifest>;
  /**
   * What a tag names now, as the registry says: cheaper than `manifest` and not counted as a pull, but without bytes
   * to check, so of use only to confirm a digest whose manifest was verified before. `undefined` when it does not say.
   */
  tagDigest(repository: string, tag: string, signal: AbortSignal): Promise<string | undefined>;
  /** Content by descriptor, at most `limit` bytes; digest and size are verified. */
  blob(repository: string, descriptor: Descriptor, signal: AbortSignal, limit?: number): Promise<Uint8Array>;
  /** What is attached to a digest, by the referrers API or the fallback tag. */
  referrers(
    repository: string,
    digest: string,
    options: { artifactType?: string },
    signal: AbortSignal,
  ): Promise<ReferrerList>;
}

const manifestLimit = 4 * 1024 * 1024;
const blobLimit = 32 * 1024 * 1024;
/** Large answers of one registry that are in memory at the same time. */
const largeAtOnce = 8;

const repositoryGrammar =
  /^[a-z0-9]+(?:(?:__|[._]|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:__|[._]|-+)[a-z0-9]+)*)*$/;
const tagGrammar = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const sha256Digest = /^sha256:[0-9a-f]{64}$/;

/** A client of the OCI distribution API. Content is hashed here; `tagDigest` alone takes the registry's word. */
export function createRegistryClient(options: RegistryOptions): RegistryClient {
  const { registry } = options;
  const { base, send } = createRequests(options);
  const large = pLimit(largeAtOnce);

  function url(repository: string, rest: string): URL {
    if (repository.length > 255 || !repositoryGrammar.test(repository))
      throw new RegistryError(
        "malformed",
        `${registry}: ${JSON.stringify(repository)} is no repository name`,
      );
    return new URL(`/v2/${repository}/${rest}`, base);
  }

  function checkReference(reference: string): void {
    if (tagGrammar.test(reference) || sha256Digest.test(reference)) return;
    throw new RegistryError(
      "unsupported",
      `${registry}: expected a tag or a sha256 digest, got ${JSON.stringify(reference)}`,
    );
  }

  const client: RegistryClient = {
    async manifest(repository, reference, signal) {
      checkReference(reference);
      const where = `${registry}/${repository}${reference.includes(":") ? "@" : ":"}${reference}`;
      const headers = { accept: acceptManifests };
      const response = await send(
        "GET",
        url(repository, `manifests/${reference}`),
        repository,
        headers,
        signal,
      );
      const bytes = await readBody(response, manifestLimit, where, large);
      const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      const claimed = response.headers.get("docker-content-digest");
      const expected = reference.includes(":")
        ? reference
        : claimed?.startsWith("sha256:") === true
          ? claimed
          : digest;
      if (digest !== expected)
        throw new RegistryError(
          "mismatch",
          `${where}: the bytes sent have digest ${digest}, not ${expected}`,
        );
      const mediaType = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
      return { digest, mediaType, size: bytes.byteLength, manifest: parseManifest(bytes, mediaType, where) };
    },

    async tagDigest(repository, tag, signal) {
      checkReference(tag);
      const headers = { accept: acceptManifests };
      const response = await send("HEAD", url(repository, `manifests/${tag}`), repository, headers, signal);
      const digest = response.headers.get("docker-content-digest");
      return digest !== null && sha256Digest.test(digest) ? digest : undefined;
    },

    async blob(repository, descriptor, signal, limit = blobLimit) {
      const { digest, size } = descriptor;
      const where = `${registry}/${repository}@${digest}`;
      if (!sha256Digest.test(digest))
        throw new RegistryError("unsupported", `${where}: only sha256 digests are read`);
      if (size > limit)
        throw new RegistryError(
          "too-large",
          `${where}: has ${size} bytes, more than the ${limit} that are read`,
        );
      const response = await send("GET", url(repository, `blobs/${digest}`), repository, {}, signal);
      const bytes = await readBody(response, size, where, large);
      const actual = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      if (bytes.byteLength !== size || actual !== digest)
        throw new RegistryError(
          "mismatch",
          `${where}: the ${bytes.byteLength} bytes sent are not that content`,
        );
      return bytes;
    },

    async referrers(repository, digest, { artifactType }, signal) {
      checkReference(digest);
      const get = async (target: URL): Promise<Response> =>
        await send("GET", target, repository, { accept: acceptManifests }, signal);
      const start = url(repository, `referrers/${digest}`);
      return await readReferrers({
        start,
        where: `${registry}/${repository}@${digest}`,
        artifactType,
        get,
        large,
        fallback: async () => (await client.manifest(repository, digest.replace(":", "-"), signal)).manifest,
      });
    },
  };
  return client;
}
