import type { ScanState } from "@gatehouse/policy";

/** What a status leads to. `proof`: complete, if a time proves that a scan ended, else pending. */
export type StatusMeaning = { state: Exclude<ScanState, "complete"> | "proof"; reason: string };

/**
 * `imageScanStatus.status` of DescribeImageScanFindings
 * (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html).
 */
const statuses: Readonly<Record<string, StatusMeaning>> = {
  COMPLETE: { state: "proof", reason: "the scan is complete, but nothing says when it ended" },
  ACTIVE: { state: "proof", reason: "scanning is on, but nothing shows that a scan has ended yet" },
  IN_PROGRESS: { state: "pending", reason: "the scan is under way" },
  PENDING: { state: "pending", reason: "the scan has not begun" },
  FAILED: { state: "failed", reason: "the scan failed" },
  UNSUPPORTED_IMAGE: { state: "unsupported", reason: "the scanner does not support this image" },
  IMAGE_SIZE_EXCEEDED: { state: "unsupported", reason: "the image is larger than the scanner takes" },
  LIMIT_EXCEEDED: { state: "failed", reason: "not scanned, since the account's scanning limit is used up" },
  SCAN_ELIGIBILITY_EXPIRED: { state: "stale", reason: "the image is no longer scanned: its time is over" },
  IMAGE_ARCHIVED: { state: "stale", reason: "the image is archived and no longer scanned" },
  FINDINGS_UNAVAILABLE: { state: "absent", reason: "there are no findings available for this image" },
};

/** Basic scanning calls an image that it cannot scan a failure and says more in the description. */
const unsupportedDescription = /^UnsupportedImageError\b/;

/** The state that ECR's status leads to. One that is not known here is `unavailable`, and never clean. */
export function meaningOfStatus(status: unknown, description: unknown): StatusMeaning {
  if (status === undefined || status === null)
    return { state: "pending", reason: "ECR gives no status of the scan" };
  const known = typeof status === "string" && Object.hasOwn(statuses, status) ? statuses[status] : undefined;
  if (known === undefined)
    return {
      state: "unavailable",
      reason: `ECR answers a scan status that is not known here: ${JSON.stringify(status)}`,
    };
  if (status === "FAILED" && typeof description === "string" && unsupportedDescription.test(description))
    return { state: "unsupported", reason: description };
  const more = typeof description === "string" && description.trim() !== "" ? ` (${description.trim()})` : "";
  return known.state === "failed" ? { ...known, reason: `${known.reason}${more}` } : known;
}

/** ECR's errors that are answers: the image has no scan. Every other error is no answer. */
const absences: Readonly<Record<string, string>> = {
  ScanNotFoundException: "ECR has no scan of this image",
  ImageNotFoundException: "ECR has no such image",
  RepositoryNotFoundException: "ECR has no such repository; a pull through cache makes it at the first pull",
};

/** Why there is no scan, where an error's type says so for sure. */
export function absenceOf(errorType: string): string | undefined {
  return Object.hasOwn(absences, errorType) ? absences[errorType] : undefined;
}

/**
 * `scanStatus` of Inspector's coverage
 * (https://docs.aws.amazon.com/inspector/v2/APIReference/API_ScanStatus.html).
 */
export function meaningOfCoverage(code: unknown, reason: unknown): StatusMeaning {
  const text = typeof reason === "string" ? reason : JSON.stringify(reason);
  const says = `Inspector: ${text}`;
  if (reason === "SUCCESSFUL" && code === "ACTIVE")
    return { state: "proof", reason: "Inspector does not say when it scanned" };
  // One scan at the push and none after: maximum scan age decides how long it is worth something.
  if (reason === "SCAN_FREQUENCY_SCAN_ON_PUSH")
    return { state: "proof", reason: "Inspector scans at the push only and has not yet" };
  if (typeof reason === "string" && Object.hasOwn(coverageReasons, reason))
    return { state: coverageReasons[reason] ?? "unavailable", reason: says };
  if (code === "INACTIVE") return { state: "stale", reason: `${says}; it is no longer scanned` };
  return {
    state: "unavailable",
    reason: `Inspector answers a coverage that is not known here: ${JSON.stringify(code)}, ${text}`,
  };
}

const coverageReasons: Readonly<Record<string, Exclude<ScanState, "complete">>> = {
  PENDING_INITIAL_SCAN: "pending",
  PENDING_REVIVAL_SCAN: "pending",
  SCAN_IN_PROGRESS: "pending",
  SCAN_ELIGIBILITY_EXPIRED: "stale",
  IMAGE_ARCHIVED: "stale",
  PENDING_DISABLE: "stale",
  STALE_INVENTORY: "stale",
  RESOURCE_TERMINATED: "stale",
  SCAN_FREQUENCY_MANUAL: "stale",
  EXCLUDED_BY_TAG: "stale",
  NO_SCAN_CONFIGURATION_ASSOCIATED: "absent",
  UNSUPPORTED_OS: "unsupported",
  UNSUPPORTED_RUNTIME: "unsupported",
  UNSUPPORTED_MEDIA_TYPE: "unsupported",
  UNSUPPORTED_CONFIG_FILE: "unsupported",
  UNSUPPORTED_LANGUAGE: "unsupported",
  UNSUPPORTED_CODE_ARTIFACTS: "unsupported",
  IMAGE_SIZE_EXCEEDED: "unsupported",
  STORAGE_LIMIT_EXCEEDED: "unsupported",
  INVALID_ARTIFACT: "unsupported",
  NO_INVENTORY: "failed",
  INTERNAL_ERROR: "failed",
  ACCESS_DENIED: "failed",
  ACCESS_DENIED_TO_ENCRYPTION_KEY: "failed",
  EXTRACTION_COLLECTION_TIME_LIMIT_EXCEEDED: "failed",
  INTEGRATION_CONNECTION_LOST: "failed",
};
