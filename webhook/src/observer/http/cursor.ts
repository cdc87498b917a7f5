/**
 * Where a reader of events stands. Positions count the events of all namespaces, so readers are given them sealed: two
 * cursors tell nobody what lies between them, nor whether anything does.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** A position to go on from. */
export interface Cursor {
  position: number;
  /** It was another process's, whose events are gone. */
  missed: boolean;
}

export interface Cursors {
  /** As readers are given it; another text each time. */
  at(position: number): string;
  /** Reads it back; from the beginning when there is none. Undefined for what is no cursor. */
  read(text: string | undefined): Cursor | undefined;
}

const cipher = "aes-256-gcm";
const ivBytes = 12;
const tagBytes = 16;
const positionBytes = 8;
/** Of the three in base64url. */
const form = /^[A-Za-z0-9_-]{48}$/;

/** Cursors that are good for one process: the key is never told and ends with it. */
export function createCursors(): Cursors {
  const key = randomBytes(32);
  return {
    at(position) {
      const iv = randomBytes(ivBytes);
      const seal = createCipheriv(cipher, key, iv);
      const plain = Buffer.alloc(positionBytes);
      plain.writeBigUInt64BE(BigInt(position));
      const sealed = Buffer.concat([seal.update(plain), seal.final()]);
      return Buffer.concat([iv, sealed, seal.getAuthTag()]).toString("base64url");
    },
    read(text) {
      if (text === undefined || text === "") return { position: 0, missed: false };
      if (!form.test(text)) return undefined;
      const bytes = Buffer.from(text, "base64url");
      const open = createDecipheriv(cipher, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
      open.setAuthTag(bytes.subarray(-tagBytes));
      try {
        const plain = Buffer.concat([open.update(bytes.subarray(ivBytes, -tagBytes)), open.final()]);
        return { position: Number(plain.readBigUInt64BE()), missed: false };
      } catch {
        return { position: 0, missed: true };
      }
    },
  };
}
