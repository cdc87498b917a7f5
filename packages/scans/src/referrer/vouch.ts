import type { ReportTrust } from "@gatehouse/policy";
import { mostReportValues, parseBoundedJson } from "../parse/bounded-json.ts";
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

/** Whether anybody vouches for a document. */
export type Vouching =
  | { vouched: Vouched }
  | { problem: string }
  /** Somebody may have signed it: not all of its signatures were read. */
  | { missing: string };

/** What is asked of one document, and of those who may have signed it. */
export interface VouchOptions {
  client: RegistryClient;
  /** Of the document and of its signatures, at the client's registry. */
  repository: string;
  attached: AttachedDocument;
  trusted: TrustedIdentities;
  /** Lets a document count that nobody signed. */
  allowUnsigned: boolean;
  /** Milliseconds since 1970. */
  now: () => number;
  signal: AbortSignal;
}

const signatureLimit = 1024 * 1024;
const mostSignatures = 16;

/**
 * Finds out who has signed an attached document. Rejects when the registry does not answer.
 *
 * Whoever may push can attach anything, so a document is parsed only once somebody is known to vouch for it; a bundle,
 * whose signature is inside, only where such a signature could count.
 */
export async function vouch(options: VouchOptions): Promise<Vouching> {
  const { attached, allowUnsigned } = options;
  if (isBundleType(attached.type)) return vouchForBundle(options);
  const verdict = await verifyDetached(options);
  if (verdict.trusted)
    return vouchedFor(attached.bytes, { kind: "signed", identity: verdict.identity }, false);
  if (allowUnsigned) return vouchedFor(attached.bytes, { kind: "unsigned" }, false);
  return verdict.unread === true ? { missing: verdict.problem } : { problem: verdict.problem };
}

function vouchForBundle({ attached, trusted, allowUnsigned }: VouchOptions): Vouching {
  if (trusted.sigstore.length === 0 && !allowUnsigned) return { problem: "no identity is configured" };
  const bundle = readJson(attached.bytes);
  if (!("document" in bundle)) return bundle;
  const verdict = verifyBundle(bundle.document, trusted.sigstore);
  if (verdict.trusted)
    return vouchedFor(Buffer.from(verdict.payload), { kind: "signed", identity: verdict.identity }, true);
  if (!allowUnsigned) return { problem: verdict.problem };
  return { vouched: { document: bundle.document, trust: { kind: "unsigned" }, selfContained: true } };
}

function vouchedFor(bytes: Uint8Array, trust: ReportTrust, selfContained: boolean): Vouching {
  const read = readJson(bytes);
  return "document" in read ? { vouched: { document: read.document, trust, selfContained } } : read;
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
}: VouchOptions): Promise<Verdict & { unread?: boolean }> {
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

/** The JSON in a document. One that is too much to parse may be the report that counts; what is no JSON is none. */
function readJson(bytes: Uint8Array): { document: unknown } | { problem: string } | { missing: string } {
  try {
    return { document: parseBoundedJson(bytes, mostReportValues) };
  } catch (error) {
    if (error instanceof RangeError) return { missing: `an attached document has ${error.message}` };
    return { problem: "it is not JSON" };
  }
}
