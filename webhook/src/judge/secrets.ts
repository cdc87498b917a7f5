import { hash, timingSafeEqual } from "node:crypto";

/** Fewest characters of a path's secret: 128 bits in the densest alphabet that a path takes. */
export const shortestSecret = 22;

/** Whether a text is one of the secrets. Takes the same time whatever they have in common. */
export type SecretCheck = (given: string) => boolean;

/**
 * A check against secrets of which any may be used, so that one can be rotated: the webhook configuration names the
 * new one while requests with the old one are still under way.
 */
export function createSecretCheck(secrets: readonly string[]): SecretCheck {
  const digests = secrets.map(digestOf);
  return (given) => {
    const digest = digestOf(given);
    let found = false;
    for (const known of digests) found = timingSafeEqual(digest, known) || found;
    return found;
  };
}

function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
