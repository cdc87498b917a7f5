import type { X509Certificate } from "node:crypto";
import { X509Certificate as ParsedCertificate } from "@sigstore/core";

const codeSigning = "1.3.6.1.5.5.7.3.3";
const keyUsageOid = "2.5.29.15";
const maxChain = 8;

/**
 * Checks a chain, leaf first, as the Notary Project's trust policy asks of code signing certificates
 * (https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md, "Certificate
 * Requirements"): each is signed by the next, all are valid at `at`, authorities may sign certificates at that depth,
 * the leaf may sign code and is no authority, and the last is one of `roots` or signed by one.
 *
 * Revocation is not checked: the gate dials nobody whom a certificate names.
 *
 * @returns what is wrong, or `undefined`.
 */
export function checkChain(
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  at: number,
): string | undefined {
  const [leaf] = chain;
  if (leaf === undefined) return "the signature has no certificate";
  if (chain.length > maxChain) return `the certificate chain has more than ${maxChain} certificates`;
  const last = chain[chain.length - 1] ?? leaf;
  const anchor = roots.find((root) => root.raw.equals(last.raw)) ?? roots.find((root) => signs(root, last));
  if (anchor === undefined)
    return `the certificate chain of ${oneLineSubject(leaf)} ends in no configured root`;
  const whole = anchor.raw.equals(last.raw) ? chain : [...chain, anchor];
  for (const [depth, certificate] of whole.entries()) {
    const name = oneLineSubject(certificate);
    const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
    if (!(from <= at && at <= to))
      return `the certificate ${name} is valid from ${certificate.validFrom} to ${certificate.validTo} only`;
    if (depth === 0) continue;
    const below = whole[depth - 1];
    if (below === undefined || !signs(certificate, below))
      return `${name} has not signed the certificate before it`;
    const problem = checkAuthority(certificate, depth - 1);
    if (problem !== undefined) return `${name} ${problem}`;
  }
  // A self-signed leaf that is itself configured is its own root.
  return checkLeaf(leaf);
}

function signs(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function checkAuthority(certificate: X509Certificate, below: number): string | undefined {
  if (!certificate.ca) return "is no authority";
  const parsed = ParsedCertificate.parse(Buffer.from(certificate.raw));
  const usage = parsed.extension(keyUsageOid) === undefined ? undefined : parsed.extKeyUsage;
  if (usage !== undefined && !usage.keyCertSign) return "may not sign certificates";
  const limit = parsed.extBasicConstraints?.pathLenConstraint;
  return limit !== undefined && BigInt(below) > limit
    ? "may not have so many authorities below it"
    : undefined;
}

function checkLeaf(leaf: X509Certificate): string | undefined {
  const name = oneLineSubject(leaf);
  const parsed = ParsedCertificate.parse(Buffer.from(leaf.raw));
  if (leaf.ca || parsed.extBasicConstraints?.isCA === true)
    return `${name} is an authority and may not sign reports itself`;
  const usage = parsed.extension(keyUsageOid) === undefined ? undefined : parsed.extKeyUsage;
  if (usage?.digitalSignature !== true) return `the certificate ${name} is not for signatures`;
  const purposes = leaf.keyUsage as readonly string[] | undefined;
  if (purposes !== undefined && !purposes.includes(codeSigning))
    return `the certificate ${name} is not for code signing`;
  return undefined;
}

/** The attributes of a subject, `CN` and such, each with its values. */
export type Attributes = ReadonlyMap<string, readonly string[]>;

/** Reads a certificate's subject. */
export function subjectOf(certificate: X509Certificate): Attributes {
  // Node prints one relative name a line, with the escapes of RFC 2253 and " + " between parts of one.
  return parseAttributes(
    (certificate.subject ?? "").split("\n").flatMap((line) => splitUnescaped(line, "+")),
  );
}

/**
 * Reads attributes as configured: `CN=Scanner, O=Example, C=DE`, a comma inside a value as `\,`.
 * @throws SyntaxError for text that names none.
 */
export function parseSubject(text: string): Attributes {
  const attributes = parseAttributes(splitUnescaped(text.replace(/^x509\.subject:/, ""), ","));
  if (attributes.size === 0)
    throw new SyntaxError(`expected attributes such as "CN=Scanner, O=Example", got ${JSON.stringify(text)}`);
  return attributes;
}

/** Whether `actual` has every attribute of `wanted`. */
export function hasAttributes(actual: Attributes, wanted: Attributes): boolean {
  return [...wanted].every(([name, values]) => {
    const has = actual.get(name);
    return has !== undefined && values.every((value) => has.includes(value));
  });
}

/** `CN=Scanner, O=Example`. */
export function oneLineSubject(certificate: X509Certificate): string {
  return (certificate.subject ?? "").split("\n").join(", ");
}

function parseAttributes(parts: readonly string[]): Attributes {
  const attributes = new Map<string, string[]>();
  for (const part of parts) {
    const equals = part.indexOf("=");
    if (part.trim() === "") continue;
    if (equals <= 0) throw new SyntaxError(`expected NAME=VALUE, got ${JSON.stringify(part.trim())}`);
    const name = part.slice(0, equals).trim().toUpperCase();
    const value = unescape(part.slice(equals + 1).trim());
    if (value === "") throw new SyntaxError(`the attribute ${name} has no value`);
    attributes.set(name === "S" ? "ST" : name, [...(attributes.get(name) ?? []), value]);
  }
  return attributes;
}

function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [""];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === separator) parts.push("");
    else parts[parts.length - 1] += character === "\\" ? character + (text[++at] ?? "") : character;
  }
  return parts;
}

function unescape(value: string): string {
  return value.replaceAll(/\\([0-9A-Fa-f]{2}|.)/g, (_whole, escaped: string) =>
    escaped.length === 2 ? String.fromCharCode(Number.parseInt(escaped, 16)) : escaped,
  );
}
