import type { ReportTrust } from "@gatehouse/policy";
import type { RegistryClient } from "../registry/client.ts";
import { RegistryError } from "../registry/errors.ts";
import { isBundleType, isVagueType, typeOf } from "./artifact-types.ts";
import type { AttachedDocument } from "./attached.ts";
import type { TrustedIdentities } from "./trust/load-trust.ts";
import { notationArtifactType, notationCoseType, notationJwsType, verifyNotation } from "./trust/notation.ts";
import { verifyBundle } from "./trust/sigstore.ts";
import { distrust, type Verdict } from "./trust/verdict.ts";

/** A document that counts, and who vouches for it. */
export interface Vouched {
  document: unknown;
  trust: ReportTrust;
  /** Whether the signature is over the Statement alone, so that only the Statement says what it is about. */
  selfContained: boolean;
}

export type Vouching =
  | { vouched: Vouched }
  | { problem: string }
  /** Somebody may have signed it: not all of its signatures were read. */
  | { missing: string };

const signatureLimit = 1024 * 1024;
const mostSignatures = 16;

/** Finds out who has signed an attached document. Rejects when the registry does not answer. */
export async function vouch(options: {
  client: RegistryClient;
  repository: string;
  attached: AttachedDocument;
  trusted: TrustedIdentities;
  allowUnsigned: boolean;
  now: () => number;
  signal: AbortSignal;
}): Promise<Vouching> {
  const { attached, trusted, allowUnsigned } = options;
  const document = parse(attached.bytes);
  if (document === undefined) return { problem: "it is not JSON" };
  let problem: string;
  if (isBundleType(attached.type)) {
    const verdict = verifyBundle(document, trusted.sigstore);
    if (verdict.trusted) {
      const signed = parse(verdict.payload);
      if (signed === undefined) return { problem: "what is signed is not JSON" };
      const trust: ReportTrust = { kind: "signed", identity: verdict.identity };
      return { vouched: { document: signed, trust, selfContained: true } };
    }
    problem = verdict.problem;
  } else {
    const verdict = await verifyDetached(options);
    if (verdict.trusted)
      return {
        vouched: { document, trust: { kind: "signed", identity: verdict.identity }, selfContained: false },
      };
    problem = verdict.problem;
    if (verdict.unread === true && !allowUnsigned) return { missing: problem };
  }
  if (!allowUnsigned) return { problem };
  return { vouched: { document, trust: { kind: "unsigned" }, selfContained: isBundleType(attached.type) } };
}

/**
 * Looks for a Notation signature that is attached to the manifest which attaches the document. Whoever may push can
 * attach so many that the one which counts is not among those that are read; then nobody knows whether it is signed,
 * and an older report must not take the place of this one.
 */
async function verifyDetached({
  client,
  repository,
  attached,
  trusted,
  now,
  signal,
}: Parameters<typeof vouch>[0]): Promise<Verdict & { unread?: boolean }> {
  // Nobody's signature could count, so none is asked for.
  if (trusted.notation.length === 0) return distrust("it has no signature of a kind that this source trusts");
  const { artifact } = attached;
  const options = { artifactType: notationArtifactType };
  const list = await client.referrers(repository, artifact.digest, options, signal);
  const candidates = list.descriptors.filter(
    ({ artifactType }) => artifactType === notationArtifactType || isVagueType(artifactType),
  );
  let last = distrust("it is not signed");
  for (const candidate of candidates.slice(0, mostSignatures)) {
    try {
      const { manifest } = await client.manifest(repository, candidate.digest, signal);
      if (manifest.kind !== "manifest" || typeOf(manifest) !== notationArtifactType) continue;
      if (manifest.subject?.digest !== artifact.digest) {
        last = distrust("its signature is attached to something else");
        continue;
      }
      const [layer] = manifest.layers ?? [];
      if (layer?.mediaType !== notationJwsType) {
        last = distrust(
          layer?.mediaType === notationCoseType
            ? "its signature is in COSE form, which is not supported; sign with --signature-format jws"
            : "its signature is in no form that is known",
        );
        continue;
      }
      const envelope = await client.blob(repository, layer, signal, signatureLimit);
      const verdict = await verifyNotation(envelope, artifact, trusted.notation, now());
      if (verdict.trusted) return verdict;
      last = verdict;
    } catch (error) {
      const skipped = ["not-found", "too-large", "malformed", "unsupported"];
      if (!(error instanceof RegistryError) || !skipped.includes(error.code)) throw error;
      last = distrust(error.message);
    }
  }
  if (list.whole && candidates.length <= mostSignatures) return last;
  return { ...distrust("more signatures are attached to a report than are read"), unread: true };
}

/** The JSON in a text or in UTF-8 bytes; `undefined` when there is none. */
function parse(content: Uint8Array | string | undefined): unknown {
  try {
    const text =
      content instanceof Uint8Array ? new TextDecoder("utf-8", { fatal: true }).decode(content) : content;
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
