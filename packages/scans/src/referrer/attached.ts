import pLimit from "p-limit";
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
  bytes: Uint8Array;
}

/** Everything attached that may be a report. */
export interface Attached {
  documents: readonly AttachedDocument[];
  /** Why something that could be the newest report is missing from `documents`, if something is. */
  missing?: string;
}

/** Manifests that are read for one image. */
const mostCandidates = 64;
const reportLimit = 32 * 1024 * 1024;
const createdAnnotation = "org.opencontainers.image.created";

/**
 * Reads what is attached to `digest` as far as it may be a scan report or VEX. Descriptors only say where to look:
 * type and subject come from the manifest. Rejects when the registry does not answer, for then nobody knows whether
 * the newest report is among what was read.
 */
export async function readAttached(
  client: RegistryClient,
  repository: string,
  digest: string,
  signal: AbortSignal,
): Promise<Attached> {
  const list = await client.referrers(repository, digest, {}, signal);
  const candidates = list.descriptors
    .filter(({ artifactType }) => isVagueType(artifactType) || isReportType(artifactType ?? ""))
    .sort((a, b) => created(b).localeCompare(created(a)));
  const limit = pLimit(8);
  const problems: string[] = [];
  if (!list.whole || candidates.length > mostCandidates) problems.push("more is attached to it than is read");
  const documents = await Promise.all(
    candidates.slice(0, mostCandidates).map((candidate) =>
      limit(async () => {
        try {
          return await readDocument(client, repository, digest, candidate, signal);
        } catch (error) {
          if (!(error instanceof RegistryError) || error.code === "mismatch") throw error;
          if (error.code === "not-found") return undefined;
          if (error.code !== "too-large" && error.code !== "malformed" && error.code !== "unsupported")
            throw error;
          problems.push(error.message);
          return undefined;
        }
      }),
    ),
  );
  const [missing] = problems;
  return {
    documents: documents.filter((document) => document !== undefined),
    ...(missing === undefined ? {} : { missing }),
  };
}

async function readDocument(
  client: RegistryClient,
  repository: string,
  digest: string,
  candidate: Descriptor,
  signal: AbortSignal,
): Promise<AttachedDocument | undefined> {
  const found = await client.manifest(repository, candidate.digest, signal);
  const { manifest, mediaType, size } = found;
  if (manifest.kind !== "manifest" || manifest.subject?.digest !== digest) return undefined;
  const type = typeOf(manifest);
  if (!isReportType(type)) return undefined;
  const layers = manifest.layers ?? [];
  const [layer] = layers;
  if (layer === undefined || layers.length !== 1)
    throw new RegistryError("malformed", `${candidate.digest}: expected one document, has ${layers.length}`);
  const bytes = await client.blob(repository, layer, signal, reportLimit);
  return {
    artifact: { mediaType, digest: found.digest, size },
    type: isReportType(layer.mediaType) ? layer.mediaType : type,
    bytes,
  };
}

function created({ annotations }: Descriptor): string {
  return annotations?.[createdAnnotation] ?? "";
}
