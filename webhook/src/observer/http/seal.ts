/** Texts that whoever is given them can hand back, and neither read nor make. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** Encrypts and authenticates with a key that nobody else has. */
export interface Seal {
  /** Seals a text; the same text looks different each time. */
  close(text: string): string;
  /** Opens it again: undefined for what another process has sealed, `false` for what looks like no seal at all. */
  open(sealed: string): string | undefined | false;
}

const cipher = "aes-256-gcm";
const ivBytes = 12;
const tagBytes = 16;
/** In base64url. */
const form = /^[A-Za-z0-9_-]{38,4000}$/;

/** A seal of this process: its key is never told and ends with it. */
export function createSeal(): Seal {
  const key = randomBytes(32);
  return {
    close(text) {
      const iv = randomBytes(ivBytes);
      const by = createCipheriv(cipher, key, iv);
      const content = Buffer.concat([by.update(text, "utf8"), by.final()]);
      return Buffer.concat([iv, content, by.getAuthTag()]).toString("base64url");
    },
    open(sealed) {
      if (!form.test(sealed)) return false;
      const bytes = Buffer.from(sealed, "base64url");
      const by = createDecipheriv(cipher, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
      by.setAuthTag(bytes.subarray(-tagBytes));
      try {
        const content = [by.update(bytes.subarray(ivBytes, -tagBytes)), by.final()];
        return Buffer.concat(content).toString("utf8");
      } catch {
        return undefined;
      }
    },
  };
}
