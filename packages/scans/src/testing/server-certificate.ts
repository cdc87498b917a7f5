// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 expects its polyfill
import "reflect-metadata";
import { KeyObject, type webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A certificate for a DNS name under an authority of its own, made anew; all PEM. */
export async function serverCertificate(
  name: string,
): Promise<{ certificate: string; key: string; authority: string }> {
  const make = async (): Promise<webcrypto.CryptoKeyPair> =>
    await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const [authorityKeys, keys] = [await make(), await make()];
  const validity = {
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
  };
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Test Authority",
    keys: authorityKeys,
    ...validity,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    ...validity,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
  });
  return {
    certificate: certificate.toString("pem"),
    key: KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }).toString(),
    authority: authority.toString("pem"),
  };
}
