import { issueServerCertificate, type Authority, type CertificatePair } from "./certificate.ts";

/** How long a leaf lives, in milliseconds: short, since it is made anew without anyone's help. */
export const leafLifeMs = 7 * 24 * 60 * 60_000;

/** The certificate that a server shows, kept fresh. */
export interface Leaf {
  /** What is shown now. */
  current(): CertificatePair & { notBefore: number; notAfter: number };
  /**
   * Looks at the wall clock and makes a new one when two thirds of the life are over, or when the clock stands before
   * its beginning. True when there is a new one. To be called often: a clock may jump, and a long timer would not see it.
   */
  renewIfDue(): boolean;
  /** Whether a client whose clock agrees with ours would take it. */
  valid(): boolean;
}

/** Keeps a leaf of this authority. The first is made at once. */
export function createLeaf(options: {
  authority: Authority;
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
  now: () => number;
}): Leaf {
  const { authority, dnsNames, ipAddresses, now } = options;
  const issue = () =>
    issueServerCertificate(authority, { dnsNames, ipAddresses, now: now(), lifeMs: leafLifeMs });
  let leaf = issue();
  const isValid = () => now() >= leaf.notBefore && now() < leaf.notAfter;

  return {
    current: () => leaf,
    valid: isValid,
    renewIfDue() {
      const at = now();
      const renewAt = leaf.notBefore + ((leaf.notAfter - leaf.notBefore) * 2) / 3;
      if (at >= leaf.notBefore && at < renewAt) return false;
      // Near or past its authority's end a new leaf would end no later than the one there is.
      if (isValid() && leaf.notAfter >= authority.notAfter) return false;
      if (at >= authority.notAfter || at < authority.notBefore) return false;
      leaf = issue();
      return true;
    },
  };
}
