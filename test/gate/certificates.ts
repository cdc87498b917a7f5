/** What the tls provider would make, for programs that run under the SDK's mocks. */
import "reflect-metadata";
import { createPrivateKey, generateKeyPairSync, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** A private key in PEM, as `tls.PrivateKey` gives it. */
export function privateKey(algorithm: unknown): string {
  const { privateKey: key } =
    algorithm === "ED25519"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** A self-signed authority in PEM, as `tls.SelfSignedCert` gives it. */
export async function selfSigned(inputs: {
  privateKeyPem: string;
  subject: { commonName: string };
  validityPeriodHours: number;
}): Promise<{ certPem: string; validityEndTime: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const key = createPrivateKey(inputs.privateKeyPem);
  const jwk = key.export({ format: "jwk" });
  const { d: _, ...publicJwk } = jwk;
  const keys = {
    privateKey: await webcrypto.subtle.importKey("jwk", jwk, algorithm, true, ["sign"]),
    publicKey: await webcrypto.subtle.importKey("jwk", publicJwk, algorithm, true, ["verify"]),
  };
  const notAfter = new Date(Date.now() + inputs.validityPeriodHours * 3_600_000);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${inputs.subject.commonName}`,
    // Old enough that a replica whose clock is days behind can sign with it.
    notBefore: new Date(Date.now() - 30 * 24 * 3_600_000),
    notAfter,
    signingAlgorithm: { ...algorithm, hash: "SHA-256" },
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: `${certificate.toString("pem")}\n`, validityEndTime: notAfter.toISOString() };
}
