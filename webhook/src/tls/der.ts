/**
 * The little of DER (ITU-T X.690) that it takes to write a certificate and to read an issuer's name: see
 * `certificate.ts`. A whole X.509 library costs half of the bundle's budget.
 */

/** One value: its tag, and where its content and the whole of it stand. */
export interface DerValue {
  tag: number;
  content: Uint8Array;
  /** Tag, length and content. */
  whole: Uint8Array;
}

/** Tags that certificates use. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A value with this tag around the parts. */
export function encode(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(tag), lengthOf(content.length), content]);
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

/** The values that stand one after another in `bytes`. Throws when they do not fill it exactly. */
export function decodeAll(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const value = decodeAt(bytes, at);
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

function decodeAt(bytes: Uint8Array, start: number): DerValue {
  const tag = byteAt(bytes, start);
  const first = byteAt(bytes, start + 1);
  let length = first;
  let at = start + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new Error("DER: a length that no certificate has");
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + byteAt(bytes, at++);
  }
  if (at + length > bytes.length) throw new Error("DER: a value goes beyond its end");
  return { tag, content: bytes.subarray(at, at + length), whole: bytes.subarray(start, at + length) };
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new Error("DER: ended too early");
  return byte;
}

/** An object identifier in dotted form. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return encode(tags.objectIdentifier, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    bytes.unshift((rest % 128) | 0x80);
  return bytes;
}

/** A positive integer from its bytes, most significant first. */
export function positiveInteger(bytes: Uint8Array): Uint8Array {
  const lead = bytes.findIndex((byte) => byte !== 0);
  const trimmed = lead === -1 ? Uint8Array.of(0) : bytes.subarray(lead);
  return (trimmed[0] ?? 0) >= 0x80
    ? encode(tags.integer, Uint8Array.of(0), trimmed)
    : encode(tags.integer, trimmed);
}

/** A bit string of whole bytes, or of fewer bits in its last byte. */
export function bitString(bytes: Uint8Array, unused = 0): Uint8Array {
  return encode(tags.bitString, Uint8Array.of(unused), bytes);
}

/** A moment as RFC 5280 4.1.2.5 wants it: UTCTime through 2049, then GeneralizedTime. `at` in milliseconds since 1970. */
export function time(at: number): Uint8Array {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return digits < "2050"
    ? encode(tags.utcTime, Buffer.from(digits.slice(2), "ascii"))
    : encode(tags.generalizedTime, Buffer.from(digits, "ascii"));
}
