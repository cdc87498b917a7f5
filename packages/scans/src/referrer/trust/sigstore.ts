import type { KeyObject } from "node:crypto";
import { bundleFromJSON, isBundleWithDsseEnvelope, type Bundle } from "@sigstore/bundle";
import { toSignedEntity, Verifier, type TrustMaterial } from "@sigstore/verify";
import { distrust, type Verdict } from "./verdict.ts";

/** An identity that is believed. */
export type SigstoreTrust =
  | { kind: "key"; publicKey: KeyObject; name: string }
  /** Issuer and subject alternative name are compared exactly, never as expressions. */
  | { kind: "keyless"; issuer: string; identity: string; trustMaterial: TrustMaterial };

/** Payload type of the in-toto Statements that bundles hold. */
const statementType = "application/vnd.in-toto+json";

/** A verified bundle's content. */
export type VerifiedBundle =
  | { trusted: true; identity: string; payload: string }
  | Extract<Verdict, { trusted: false }>;

/**
 * Verifies a Sigstore bundle around an in-toto Statement, and gives the Statement when an identity in `trusted` has
 * signed it. Keyless bundles need a certificate with a proof of its log, a log entry and a time, all from the trusted
 * root's authorities; a bundle signed with a configured key is believed without any, for the key itself is the trust.
 */
export function verifyBundle(document: unknown, trusted: readonly SigstoreTrust[]): VerifiedBundle {
  const no = (problem: string): VerifiedBundle => ({ trusted: false, problem });
  let bundle: Bundle;
  try {
    bundle = bundleFromJSON(document);
  } catch (error) {
    return no(`not a Sigstore bundle: ${message(error)}`);
  }
  if (!isBundleWithDsseEnvelope(bundle)) return no("the bundle holds no in-toto Statement");
  const { payload, payloadType } = bundle.content.dsseEnvelope;
  if (payloadType !== statementType) return no(`the bundle holds ${JSON.stringify(payloadType)}`);
  let why = "no identity is configured";
  for (const trust of trusted) {
    const verdict = trust.kind === "key" ? verifyKeyed(bundle, trust) : verifyKeyless(bundle, trust);
    if (verdict.trusted) return { ...verdict, payload: payload.toString("utf8") };
    why = verdict.problem;
  }
  return no(why);
}

function verifyKeyed(bundle: Bundle, { publicKey, name }: Extract<SigstoreTrust, { kind: "key" }>): Verdict {
  const material: TrustMaterial = {
    certificateAuthorities: [],
    timestampAuthorities: [],
    tlogs: [],
    ctlogs: [],
    publicKey: () => ({ publicKey, validFor: () => true }),
  };
  try {
    const entity = { ...toSignedEntity(bundle), tlogEntries: [], timestamps: [] };
    if (entity.key.$case !== "public-key") return distrust("the bundle is not signed with a key");
    new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }).verify(entity);
    return { trusted: true, identity: name };
  } catch (error) {
    return distrust(`the signature does not verify: ${message(error)}`);
  }
}

function verifyKeyless(bundle: Bundle, trust: Extract<SigstoreTrust, { kind: "keyless" }>): Verdict {
  try {
    const entity = toSignedEntity(bundle);
    if (entity.key.$case !== "certificate") return distrust("the bundle is not signed with a certificate");
    const { identity } = new Verifier(trust.trustMaterial).verify(entity);
    const [subject, issuer] = [identity?.subjectAlternativeName, identity?.extensions?.issuer];
    if (subject !== trust.identity || issuer !== trust.issuer)
      return distrust(`${subject ?? "nobody"} (${issuer ?? "no issuer"}) is not who must sign`);
    return { trusted: true, identity: `${trust.identity} (${trust.issuer})` };
  } catch (error) {
    return distrust(`the signature does not verify: ${message(error)}`);
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : "unreadable";
}
