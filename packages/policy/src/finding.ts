import type { Severity } from "./severity.ts";

/** A moment: RFC 3339 in UTC, such as `2026-11-22T10:00:00Z`. */
export type Instant = string;

/** The package in which a vulnerability was found. An absent field is one that the source does not know. */
export interface FindingPackage {
  name: string;
  /** Version found in the image. */
  version?: string;
  /** Package URL type (https://github.com/package-url/purl-spec): `deb`, `apk`, `rpm`, `npm`, `golang`, … */
  type?: string;
  /** Package URL. */
  purl?: string;
  /** Where in the image's file system. */
  path?: string;
}

/** Whether a fixed version exists. A finding without a `fix` is one whose source does not say. */
export type Fix =
  | {
      available: true;
      /** The version that fixes it. */
      version?: string;
      /** When the fix was published. */
      since?: Instant;
    }
  | { available: false };

/**
 * One vulnerability in one package of one image, in the form every source is brought to.
 * Each optional field is three-valued: absent means that the source does not know it, which is never the same as "no".
 */
export interface Finding {
  /** `CVE-2026-12345` where there is one, else the scanner's own id (`GHSA-…`, `DLA-…`). Upper-case prefix. */
  id: string;
  /** Other ids of the same vulnerability. */
  aliases?: readonly string[];
  severity: Severity;
  package?: FindingPackage;
  fix?: Fix;
  /** CVSS base score, 0 to 10, of the newest CVSS version that the source gives. */
  cvss?: number;
  /** EPSS probability of exploitation in the next 30 days, 0 to 1 (https://www.first.org/epss/). */
  epss?: number;
  /** Whether it stands in CISA's catalogue of known exploited vulnerabilities. */
  knownExploited?: boolean;
  /** When the vulnerability was published. */
  publishedAt?: Instant;
  /** When the source first saw it in this image. */
  firstSeenAt?: Instant;
  /** One line for people. */
  title?: string;
  /** Where to read more. */
  url?: string;
}
