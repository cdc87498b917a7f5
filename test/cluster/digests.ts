/**
 * Which digest an image reference stands for.
 *
 * @module
 */
import { createHash } from "node:crypto";

/**
 * A function from image reference to digest, `sha256:…`: the reference's own if it has one, else what `resolve` says,
 * else the SHA-256 of the reference's text: the same for the same tag, in every cluster.
 */
export function createDigests(
  resolve: ((reference: string) => Promise<string> | string) | undefined,
): (reference: string) => Promise<string> {
  return async (reference) => {
    const own = /@(sha256:[0-9a-f]{64})$/u.exec(reference)?.[1];
    if (own !== undefined) return own;
    const digest =
      resolve === undefined
        ? `sha256:${createHash("sha256").update(reference).digest("hex")}`
        : await resolve(reference);
    if (!/^sha256:[0-9a-f]{64}$/u.test(digest)) {
      throw new Error(
        `resolveImage(${reference}): expected sha256: and 64 hexadecimal digits, got ${digest}`,
      );
    }
    return digest;
  };
}
