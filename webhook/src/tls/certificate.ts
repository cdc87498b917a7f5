/** Certificates (RFC 5280) as the gate needs them: a server's, signed by an authority; and an authority of one's own. */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { bitString, decodeAll, encode, objectIdentifier, positiveInteger, tags, time } from "./der.ts";

/** A certificate and its key, both PEM. */
export interface CertificatePair {
  certificate: string;
  key: string;
}

/** Who signs: the last of its certificates' facts, and its key. */
export interface Authority {
  certificate: X509Certificate;
  key: KeyObject;
  /** PEM. */
  pem: string;
  /** Milliseconds since 1970. */
  notBefore: number;
  notAfter: number;
}

const extensionIds = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;
const serverAuth = "1.3.6.1.5.5.7.3.1";
const commonName = "2.5.4.3";
/** Clocks of API servers and nodes may differ by this much, in milliseconds. */
const skewMs = 5 * 60_000;

/**
 * An authority from its PEM texts.
 *
 * @throws Error when they are no certificate and key, do not belong together, or may not sign certificates
 */
export function readAuthority(pair: CertificatePair): Authority {
  const certificate = new X509Certificate(pair.certificate);
  const key = createPrivateKey(pair.key);
  if (!certificate.checkPrivateKey(key)) throw new Error("the key does not belong to the certificate");
  if (!certificate.ca) throw new Error("the certificate is not that of an authority (basicConstraints CA)");
  signatureOf(key);
  return {
    certificate,
    key,
    pem: pair.certificate,
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  };
}

/** A server's certificate and key for DNS names and IP addresses, both newly made. Times in milliseconds since 1970. */
export function issueServerCertificate(
  authority: Authority,
  options: { dnsNames: readonly string[]; ipAddresses?: readonly string[]; now: number; lifeMs: number },
): CertificatePair & { notBefore: number; notAfter: number } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const notBefore = Math.max(authority.notBefore, options.now - skewMs);
  const notAfter = Math.min(authority.notAfter, options.now + options.lifeMs);
  const issuer = issuerOf(authority.certificate);
  const certificate = signed(authority.key, {
    issuer: issuer.name,
    // Clients go by the alternative names alone; an empty subject makes that extension critical (RFC 5280 4.1.2.6).
    subject: encode(tags.sequence),
    notBefore,
    notAfter,
    publicKey,
    extensions: [
      extension(extensionIds.basicConstraints, true, encode(tags.sequence)),
      // digitalSignature
      extension(extensionIds.keyUsage, true, bitString(Uint8Array.of(0x80), 7)),
      extension(extensionIds.extendedKeyUsage, false, encode(tags.sequence, objectIdentifier(serverAuth))),
      extension(extensionIds.subjectAltName, true, alternativeNames(options)),
      ...(issuer.keyIdentifier === undefined
        ? []
        : [
            extension(
              extensionIds.authorityKeyIdentifier,
              false,
              encode(tags.sequence, encode(0x80, issuer.keyIdentifier)),
            ),
          ]),
    ],
  });
  return { certificate, key: pem("PRIVATE KEY", exported(privateKey)), notBefore, notAfter };
}

/** An authority of one's own, for a gate outside a cluster and for tests. */
export function createAuthority(options: { name: string; now: number; lifeMs: number }): CertificatePair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = encode(
    tags.sequence,
    encode(
      tags.set,
      encode(tags.sequence, objectIdentifier(commonName), encode(tags.utf8String, Buffer.from(options.name))),
    ),
  );
  const identifier = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest();
  const certificate = signed(privateKey, {
    issuer: name,
    subject: name,
    notBefore: options.now - skewMs,
    notAfter: options.now + options.lifeMs,
    publicKey,
    extensions: [
      // An authority that signs no other authority.
      extension(
        extensionIds.basicConstraints,
        true,
        encode(
          tags.sequence,
          encode(tags.boolean, Uint8Array.of(0xff)),
          encode(tags.integer, Uint8Array.of(0)),
        ),
      ),
      // keyCertSign and cRLSign
      extension(extensionIds.keyUsage, true, bitString(Uint8Array.of(0x06), 1)),
      extension(
        extensionIds.subjectKeyIdentifier,
        false,
        encode(tags.octetString, identifier.subarray(0, 20)),
      ),
    ],
  });
  return { certificate, key: pem("PRIVATE KEY", exported(privateKey)) };
}

interface Unsigned {
  issuer: Uint8Array;
  subject: Uint8Array;
  notBefore: number;
  notAfter: number;
  publicKey: KeyObject;
  extensions: readonly Uint8Array[];
}

function signed(key: KeyObject, certificate: Unsigned): string {
  const { digest, algorithm } = signatureOf(key);
  const serial = randomBytes(16);
  // Positive and of full length.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = encode(
    tags.sequence,
    // version 3
    encode(0xa0, encode(tags.integer, Uint8Array.of(2))),
    positiveInteger(serial),
    algorithm,
    certificate.issuer,
    encode(tags.sequence, time(certificate.notBefore), time(certificate.notAfter)),
    certificate.subject,
    certificate.publicKey.export({ type: "spki", format: "der" }),
    encode(0xa3, encode(tags.sequence, ...certificate.extensions)),
  );
  return pem("CERTIFICATE", encode(tags.sequence, body, algorithm, bitString(sign(digest, body, key))));
}

/** The signature algorithm of a key: RFC 5758 for elliptic curves, RFC 4055 for RSA. */
function signatureOf(key: KeyObject): { digest: string; algorithm: Uint8Array } {
  if (key.asymmetricKeyType === "rsa") {
    const parameters = Uint8Array.of(0x05, 0x00);
    return {
      digest: "sha256",
      algorithm: encode(tags.sequence, objectIdentifier("1.2.840.113549.1.1.11"), parameters),
    };
  }
  if (key.asymmetricKeyType !== "ec") {
    throw new Error(`expected an RSA or elliptic curve key, got ${key.asymmetricKeyType}`);
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const [digest, id] =
    curve === "secp384r1"
      ? (["sha384", "1.2.840.10045.4.3.3"] as const)
      : curve === "secp521r1"
        ? (["sha512", "1.2.840.10045.4.3.4"] as const)
        : (["sha256", "1.2.840.10045.4.3.2"] as const);
  return { digest, algorithm: encode(tags.sequence, objectIdentifier(id)) };
}

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  return encode(
    tags.sequence,
    objectIdentifier(id),
    ...(critical ? [encode(tags.boolean, Uint8Array.of(0xff))] : []),
    encode(tags.octetString, value),
  );
}

function alternativeNames(options: {
  dnsNames: readonly string[];
  ipAddresses?: readonly string[];
}): Uint8Array {
  return encode(
    tags.sequence,
    ...options.dnsNames.map((name) => encode(0x82, Buffer.from(name, "ascii"))),
    ...(options.ipAddresses ?? []).map((address) => encode(0x87, addressBytes(address))),
  );
}

function addressBytes(address: string): Uint8Array {
  if (!address.includes(":")) return Uint8Array.from(address.split(".").map(Number));
  // The URL parser writes the one canonical form, in which `::` stands for the longest run of zeros.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const before = groups(head);
  const after = groups(tail ?? "");
  const middle = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill("0");
  return Uint8Array.from(
    [...before, ...middle, ...after].flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

/** The issuer's name exactly as its certificate has it, and its key identifier. */
function issuerOf(certificate: X509Certificate): { name: Uint8Array; keyIdentifier?: Uint8Array } {
  const [outer] = decodeAll(certificate.raw);
  const [body] = decodeAll(outer?.content ?? new Uint8Array());
  const fields = decodeAll(body?.content ?? new Uint8Array());
  // version, serial, algorithm, issuer, validity, subject (RFC 5280 4.1); an authority is never of version 1.
  const name = fields[5]?.whole;
  if (name === undefined) throw new Error("the authority's certificate has no subject");
  const extensions = fields.find((field) => field.tag === 0xa3);
  const [list] = decodeAll(extensions?.content ?? new Uint8Array());
  const wanted = Buffer.from(objectIdentifier(extensionIds.subjectKeyIdentifier));
  for (const entry of decodeAll(list?.content ?? new Uint8Array())) {
    const parts = decodeAll(entry.content);
    if (parts[0] === undefined || !wanted.equals(parts[0].whole)) continue;
    const [identifier] = decodeAll(parts.at(-1)?.content ?? new Uint8Array());
    if (identifier !== undefined) return { name, keyIdentifier: identifier.content };
  }
  return { name };
}

function exported(key: KeyObject): Uint8Array {
  return key.export({ type: "pkcs8", format: "der" });
}

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
