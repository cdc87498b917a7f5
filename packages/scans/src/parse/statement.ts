/**
 * in-toto Statements (https://in-toto.io/Statement/v1 and v0.1) and the envelopes they travel in: DSSE
 * (https://github.com/secure-systems-lab/dsse) and the Sigstore bundle around it. Nothing here verifies a signature.
 */
import { isDigest } from "@gatehouse/policy";
import { mostReportValues, parseBoundedJson } from "./bounded-json.ts";
import { asRecord, asText } from "./values.ts";

/** What a Statement says about its subjects. */
export interface Statement {
  predicateType: string;
  /** Every digest of sha256 or sha512, as `sha256:…`. */
  subjects: readonly { name?: string; digests: readonly string[] }[];
  predicate: unknown;
}

/** The Statement in `document`, if it is one. */
export function readStatement(document: unknown): Statement | undefined {
  const fields = asRecord(document);
  const predicateType = asText(fields?.["predicateType"]);
  if (fields === undefined || predicateType === undefined) return undefined;
  if (!(asText(fields["_type"]) ?? "").startsWith("https://in-toto.io/Statement/v")) return undefined;
  const subject = fields["subject"];
  const subjects = (Array.isArray(subject) ? subject : []).map((item) => {
    const one = asRecord(item) ?? {};
    const name = asText(one["name"]);
    const digests = Object.entries(asRecord(one["digest"]) ?? {}).flatMap(([algorithm, hex]) => {
      const digest = `${algorithm}:${typeof hex === "string" ? hex.toLowerCase() : ""}`;
      return isDigest(digest) ? [digest] : [];
    });
    return { ...(name === undefined ? {} : { name }), digests };
  });
  return { predicateType, subjects, predicate: fields["predicate"] };
}

/** A DSSE envelope's payload: its type and the bytes that the signatures are about. */
export interface EnvelopePayload {
  payloadType: string;
  payload: Uint8Array;
}

/** The payload of a DSSE envelope, also of one within a Sigstore bundle; undefined when `document` is neither. */
export function readEnvelope(document: unknown): EnvelopePayload | undefined {
  const fields = asRecord(document);
  const envelope = asRecord(fields?.["dsseEnvelope"]) ?? fields;
  const payload = envelope?.["payload"];
  const payloadType = asText(envelope?.["payloadType"]);
  if (typeof payload !== "string" || payloadType === undefined) return undefined;
  try {
    // DSSE allows both alphabets of base64.
    const binary = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    return { payloadType, payload: Uint8Array.from(binary, (character) => character.charCodeAt(0)) };
  } catch {
    return undefined;
  }
}

/** The type of payload that holds an in-toto Statement. */
export const statementPayload = "application/vnd.in-toto+json";

/** The JSON in an envelope's payload; undefined when it is not JSON in UTF-8, or too much of it. */
export function payloadDocument({ payload }: EnvelopePayload): unknown {
  try {
    return parseBoundedJson(payload, mostReportValues);
  } catch {
    return undefined;
  }
}
