import { X509Certificate } from "node:crypto";
import { flattenedVerify, type FlattenedJWSInput } from "jose";
import { parseBoundedJson } from "../../parse/bounded-json.ts";
import {
  checkChain,
  hasAttributes,
  oneLineSubject,
  subjectOf,
  type Attributes,
} from "./certificate-chain.ts";
import { distrust, type Verdict } from "./verdict.ts";

/** Media types of the Notary Project's signatures. */
export const notationArtifactType = "application/vnd.cncf.notary.signature";
/** Envelope in JWS form, the only one that is verified. */
export const notationJwsType = "application/jose+json";
/** Envelope in COSE form, known so that whoever signed this way can be told what to do instead. */
export const notationCoseType = "application/cose";
const payloadType = "application/vnd.cncf.notary.payload.v1+json";

/** An envelope has a handful of fields and a chain of certificates. */
const mostEnvelopeValues = 1_000;

/** An identity that is believed: a chain to one of the roots, with these attributes in the signer's subject. */
export interface NotationTrust {
  roots: readonly X509Certificate[];
  subject: Attributes;
}

/** What was signed, as the signature must name it. */
export interface SignedArtifact {
  mediaType: string;
  digest: string;
  size: number;
}

const scheme = "io.cncf.notary.signingScheme";
const signingTime = "io.cncf.notary.signingTime";
const expiry = "io.cncf.notary.expiry";
/** Critical headers that are understood. `verificationPlugin` asks for code that is not here, so it is not among them. */
const critical = { [scheme]: true, [expiry]: true };

/** Algorithm by key, as the specification fixes it: the signer has no choice that could be weakened. */
function algorithmOf({ publicKey }: X509Certificate): string | undefined {
  const { modulusLength, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType === "rsa")
    return modulusLength === undefined
      ? undefined
      : { 2048: "PS256", 3072: "PS384", 4096: "PS512" }[modulusLength];
  if (publicKey.asymmetricKeyType !== "ec" || namedCurve === undefined) return undefined;
  return { prime256v1: "ES256", secp384r1: "ES384", secp521r1: "ES512" }[namedCurve];
}

/**
 * Verifies one Notary Project signature in JWS form
 * (https://github.com/notaryproject/specifications/blob/main/specs/signature-envelope-jws.md).
 *
 * Only the scheme `notary.x509` is taken. Its signing time is the signer's own word and time stamps are not read, so
 * the whole chain must be valid now.
 */
export async function verifyNotation(
  envelope: Uint8Array,
  artifact: SignedArtifact,
  trusted: readonly NotationTrust[],
  now: number,
): Promise<Verdict> {
  let jws: FlattenedJWSInput;
  let chain: X509Certificate[];
  try {
    jws = parseBoundedJson(envelope, mostEnvelopeValues) as FlattenedJWSInput;
    const { x5c } = (jws.header ?? {}) as { x5c?: unknown };
    if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > 10)
      return distrust("the signature has no certificate");
    chain = x5c.map((der) => new X509Certificate(Buffer.from(String(der), "base64")));
  } catch {
    return distrust("the signature is no JWS with certificates");
  }
  const [leaf] = chain;
  const algorithm = leaf && algorithmOf(leaf);
  if (leaf === undefined || algorithm === undefined)
    return distrust("the signer's key is of no kind that is allowed");

  let payload: Uint8Array;
  let header: Record<string, unknown>;
  try {
    const verified = await flattenedVerify(jws, leaf.publicKey, { algorithms: [algorithm], crit: critical });
    payload = verified.payload;
    header = verified.protectedHeader ?? {};
  } catch (error) {
    return distrust(
      `the signature does not verify: ${error instanceof Error ? error.message : "unreadable"}`,
    );
  }
  const problem = checkHeader(header, now) ?? checkPayload(payload, artifact);
  if (problem !== undefined) return distrust(problem);

  let why = "no identity is configured";
  for (const { roots, subject } of trusted) {
    const broken = checkChain(chain, roots, now);
    if (broken === undefined && hasAttributes(subjectOf(leaf), subject))
      return { trusted: true, identity: oneLineSubject(leaf) };
    why = broken ?? `${oneLineSubject(leaf)} is not who must sign`;
  }
  return distrust(why);
}

function checkHeader(header: Record<string, unknown>, now: number): string | undefined {
  const crit = Array.isArray(header["crit"]) ? (header["crit"] as unknown[]) : [];
  if (header["cty"] !== payloadType) return `the signature is of ${JSON.stringify(header["cty"])}`;
  if (header[scheme] !== "notary.x509" || !crit.includes(scheme))
    return `the signing scheme ${JSON.stringify(header[scheme])} is not supported; notary.x509 is`;
  if (instant(header[signingTime]) === undefined) return "the signature has no signing time";
  if (header[expiry] === undefined) return undefined;
  const ends = instant(header[expiry]);
  if (ends === undefined || !crit.includes(expiry)) return "the signature's expiry cannot be read";
  return ends > now ? undefined : `the signature expired on ${new Date(ends).toISOString()}`;
}

function instant(value: unknown): number | undefined {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT/.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

function checkPayload(payload: Uint8Array, artifact: SignedArtifact): string | undefined {
  let target: unknown;
  try {
    const content = JSON.parse(new TextDecoder().decode(payload)) as { targetArtifact?: unknown } | null;
    target = content?.targetArtifact;
  } catch {
    target = undefined;
  }
  if (typeof target !== "object" || target === null) return "the signature names no artifact";
  const { mediaType, digest, size } = target as Record<string, unknown>;
  const same = mediaType === artifact.mediaType && digest === artifact.digest && size === artifact.size;
  return same ? undefined : "the signature is of another artifact";
}
