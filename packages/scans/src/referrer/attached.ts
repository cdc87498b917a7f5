import pLimit, { type LimitFunction } from "p-limit";
import type { RegistryClient } from "../registry/client.ts";
import { RegistryError } from "../registry/errors.ts";
import type { Descriptor } from "../registry/manifest.ts";
import { isReportType, isVagueType, typeOf } from "./artifact-types.ts";
import type { SignedArtifact } from "./trust/notation.ts";

/** A document that is attached to an image by a manifest whose subject is that image. */
export interface AttachedDocument {
  /** The manifest that attaches it: what a detached signature is about. */
  artifact: SignedArtifact;
  /** Type of the document. */
  type: string;
  /** Of the manifest, and of the document in it. */
  annotations: Readonly<Record<string, string>>;
  bytes: Uint8Array;
}

/** Manifests that are read for one image. */
const mostCandidates = 64;
/** Of one document, and of all that are attached to one image. */
const documentLimit = 32 * 1024 * 1024;
const imageLimit = 64 * 1024 * 1024;
/** Documents above this size wait for their turn, so that a few hostile images cannot fill the memory together. */
const smallDocument = 1024 * 1024;
const createdAnnotation = "org.opencontainers.image.created";

/**
 * Reads what is attached to `digest` as far as it may be a scan report or VEX, and hands each document to `use`, which
 * must not hold on to its bytes. Descriptors only say where to look: type and subject come from the manifest. Rejects
 * when the registry does not answer, for then nobody knows whether the newest report is among what was read.
 *
 * @param options.large runs what is done with large documents, few at a time whatever the image.
 * @returns why something that could be the newest report was not read, if something was not.
 */
export async function readAttached(
  options: {
    client: RegistryClient;
    repository: string;
    digest: string;
    large: LimitFunction;
    signal: AbortSignal;
  },
  use: (document: AttachedDocument) => Promise<void>,
): Promise<string | undefined> {
  const { client, repository, digest, signal } = options;
  const list = await client.referrers(repository, digest, {}, signal);
  const candidates = list.descriptors
    .filter(({ artifactType }) => isVagueType(artifactType) || isReportType(artifactType ?? ""))
    .sort((a, b) => created(b).localeCompare(created(a)));
  const problems: string[] = [];
  if (!list.whole || candidates.length > mostCandidates) problems.push("more is attached to it than is read");
  const several = pLimit(8);
  let left = imageLimit;
  await Promise.all(
    candidates.slice(0, mostCandidates).map((candidate) =>
      several(async () => {
        let found: Awaited<ReturnType<typeof findDocument>>;
        try {
          found = await findDocument(client, repository, digest, candidate, signal);
          if (found === undefined) return;
          left -= found.layer.size;
          if (left < 0) {
            problems.push("more is attached to it than is read");
            return;
          }
          const { layer, ...about } = found;
          const read = async (): Promise<void> => {
            const bytes = await client.blob(repository, layer, signal, documentLimit);
            await use({ ...about, bytes });
          };
          await (layer.size > smallDocument ? options.large(read) : read());
        } catch (error) {
          const problem = whyUnread(error, found !== undefined);
          if (problem !== undefined) problems.push(problem);
        }
      }),
    ),
  );
  return problems[0];
}

/**
 * Why something that is attached was not read; undefined when nothing is missed.
 *
 * @param attached whether the manifest that attaches it is there: a list may name some that were removed, but what is
 * lost of one that is there may be the newest report
 * @throws when nobody can know what it would have been
 */
function whyUnread(error: unknown, attached: boolean): string | undefined {
  if (!(error instanceof RegistryError)) throw error;
  switch (error.code) {
    case "not-found":
      return attached ? `what is attached is not whole: ${error.message}` : undefined;
    case "too-large":
    case "malformed":
    case "unsupported":
      return error.message;
    default:
      throw error;
  }
}

async function findDocument(
  client: RegistryClient,
  repository: string,
  digest: string,
  candidate: Descriptor,
  signal: AbortSignal,
): Promise<(Omit<AttachedDocument, "bytes"> & { layer: Descriptor }) | undefined> {
  const found = await client.manifest(repository, candidate.digest, signal);
  const { manifest, mediaType, size } = found;
  if (manifest.kind !== "manifest" || manifest.subject?.digest !== digest) return undefined;
  const type = typeOf(manifest);
  if (!isReportType(type)) return undefined;
  const layers = manifest.layers ?? [];
  const [layer] = layers;
  if (layer === undefined || layers.length !== 1)
    throw new RegistryError("malformed", `${candidate.digest}: expected one document, has ${layers.length}`);
  return {
    artifact: { mediaType, digest: found.digest, size },
    type: isReportType(layer.mediaType) ? layer.mediaType : type,
    annotations: { ...layer.annotations, ...manifest.annotations },
    layer,
  };
}

function created({ annotations }: Descriptor): string {
  return annotations?.[createdAnnotation] ?? "";
}
