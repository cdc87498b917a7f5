// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 expects its polyfill
import "reflect-metadata";
import type { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { FlattenedSign } from "jose";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Signs as a scanner's vendor would, so that trust can be tried out without files from anywhere. */
export interface NotationSigner {
  /** PEM of the root. */
  root: string;
  /** Signs an artifact as the Notary Project's tools do; `protectedHeader` replaces or adds. */
  sign(
    artifact: { mediaType: string; digest: string; size: number },
    protectedHeader?: Record<string, unknown>,
  ): Promise<string>;
}

/** A code signing identity under a root of its own, made anew. */
export async function notationSigner(
  options: {
    subject?: string;
    notBefore?: Date;
    notAfter?: Date;
    purpose?: "code" | "server";
    /** Makes the leaf an authority, which must not sign. */
    leafIsAuthority?: boolean;
    /** Makes the issuer no authority. */
    issuerIsNone?: boolean;
  } = {},
): Promise<NotationSigner> {
  const notBefore = options.notBefore ?? new Date("2026-01-01T00:00:00Z");
  const notAfter = options.notAfter ?? new Date("2027-01-01T00:00:00Z");
  const keys = async (): Promise<webcrypto.CryptoKeyPair> =>
    await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const [rootKeys, leafKeys] = [await keys(), await keys()];
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Test Root, O=Example",
    keys: rootKeys,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(options.issuerIsNone !== true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const leaf = await x509.X509CertificateGenerator.create({
    subject: options.subject ?? "CN=Scanner, O=Example, C=DE",
    issuer: root.subject,
    publicKey: leafKeys.publicKey,
    signingKey: rootKeys.privateKey,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(options.leafIsAuthority === true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        options.purpose === "server" ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.codeSigning,
      ]),
    ],
  });
  const x5c = [leaf, root].map((certificate) => Buffer.from(certificate.rawData).toString("base64"));
  return {
    root: root.toString("pem"),
    async sign(artifact, protectedHeader = {}) {
      const payload = new TextEncoder().encode(JSON.stringify({ targetArtifact: artifact }));
      const header = {
        alg: "ES256",
        cty: "application/vnd.cncf.notary.payload.v1+json",
        crit: ["io.cncf.notary.signingScheme"],
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": "2026-11-20T00:00:00Z",
        ...protectedHeader,
      };
      const understood = Object.fromEntries(header.crit.map((name) => [name, true]));
      const jws = await new FlattenedSign(payload)
        .setProtectedHeader(header)
        .setUnprotectedHeader({ x5c })
        .sign(leafKeys.privateKey, { crit: understood });
      return JSON.stringify(jws);
    },
  };
}
