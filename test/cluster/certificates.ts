/**
 * The cluster's own public key infrastructure, made afresh for each start: one CA, and leaves signed by it.
 *
 * @module
 */
// oxlint-disable-next-line import/no-unassigned-import -- x509 needs the polyfill and nothing of what it exports
import "reflect-metadata";
import { randomBytes, type webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const hour = 3_600_000;

/** A certificate and its private key, both PEM (the key as PKCS #8). */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Who a leaf is for: the common name and organization are the user and group of a client certificate. */
export interface LeafSubject {
  readonly commonName: string;
  readonly organization?: string;
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
}

/** A certificate authority that lives as long as one cluster. */
export interface Authority {
  /** The CA certificate, PEM. */
  readonly certificate: string;
  /** The CA's private key, PEM: the controller manager signs certificate requests with it. */
  readonly key: string;
  /** Signs a leaf that is valid for a day, for servers and clients alike. */
  issue(subject: LeafSubject): Promise<KeyPair>;
}

/** Makes a CA named `commonName`, valid from an hour ago for two days. */
export async function createAuthority(commonName: string): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const root = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    serialNumber: serialNumber(),
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - hour),
    notAfter: new Date(Date.now() + 48 * hour),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(
        KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature,
        true,
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certificate: root.toString("pem"),
    key: await privateKeyPem(keys.privateKey),
    issue: (subject) => issue(root, keys.privateKey, subject),
  };
}

/** A P-256 key pair as PEM (SPKI and PKCS #8), as the API server signs and checks service account tokens with. */
export async function createSigningKey(): Promise<{ publicKey: string; privateKey: string }> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const spki = await crypto.subtle.exportKey("spki", keys.publicKey);
  return {
    publicKey: PemConverter.encode(spki, "PUBLIC KEY"),
    privateKey: await privateKeyPem(keys.privateKey),
  };
}

async function issue(
  root: X509Certificate,
  signingKey: webcrypto.CryptoKey,
  subject: LeafSubject,
): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const names = [
    ...(subject.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(subject.addresses ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
  const leaf = await X509CertificateGenerator.create({
    subject: [
      { CN: [subject.commonName] },
      ...(subject.organization === undefined ? [] : [{ O: [subject.organization] }]),
    ],
    issuer: root.subject,
    serialNumber: serialNumber(),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - hour),
    notAfter: new Date(Date.now() + 24 * hour),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      await AuthorityKeyIdentifierExtension.create(root.publicKey),
      ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
    ],
  });
  return { certificate: leaf.toString("pem"), key: await privateKeyPem(keys.privateKey) };
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/** 16 random bytes, the first kept between 0x40 and 0x7f: positive, and never with a leading zero. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}
