import type { ScanState } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { absenceOf, meaningOfCoverage, meaningOfStatus } from "./scan-status.ts";
import { ecrSeverity } from "./severity.ts";

test.each<[unknown, ScanState | "proof"]>([
  ["IN_PROGRESS", "pending"],
  ["COMPLETE", "proof"],
  ["FAILED", "failed"],
  ["UNSUPPORTED_IMAGE", "unsupported"],
  ["ACTIVE", "proof"],
  ["PENDING", "pending"],
  ["SCAN_ELIGIBILITY_EXPIRED", "stale"],
  ["FINDINGS_UNAVAILABLE", "absent"],
  ["LIMIT_EXCEEDED", "failed"],
  ["IMAGE_ARCHIVED", "stale"],
  ["IMAGE_SIZE_EXCEEDED", "unsupported"],
  ["COMPLETE_SOON", "unavailable"],
  ["complete", "unavailable"],
  ["toString", "unavailable"],
  [7, "unavailable"],
  [undefined, "pending"],
  [null, "pending"],
])("ECR's status %s is %s", (status, expected) => {
  expect(meaningOfStatus(status, undefined).state).toBe(expected);
});

test("a failure that says that the image is not supported is no failure", () => {
  expect(
    meaningOfStatus("FAILED", "UnsupportedImageError: the operating system '' is not supported"),
  ).toEqual({
    state: "unsupported",
    reason: "UnsupportedImageError: the operating system '' is not supported",
  });
  expect(meaningOfStatus("FAILED", "it broke")).toEqual({
    state: "failed",
    reason: "the scan failed (it broke)",
  });
});

test.each<[string, string, ScanState | "proof"]>([
  ["ACTIVE", "SUCCESSFUL", "proof"],
  ["INACTIVE", "SUCCESSFUL", "stale"],
  ["ACTIVE", "PENDING_INITIAL_SCAN", "pending"],
  ["ACTIVE", "PENDING_REVIVAL_SCAN", "pending"],
  ["ACTIVE", "SCAN_IN_PROGRESS", "pending"],
  ["INACTIVE", "SCAN_FREQUENCY_SCAN_ON_PUSH", "proof"],
  ["INACTIVE", "SCAN_FREQUENCY_MANUAL", "stale"],
  ["INACTIVE", "SCAN_ELIGIBILITY_EXPIRED", "stale"],
  ["INACTIVE", "IMAGE_ARCHIVED", "stale"],
  ["INACTIVE", "PENDING_DISABLE", "stale"],
  ["INACTIVE", "STALE_INVENTORY", "stale"],
  ["INACTIVE", "RESOURCE_TERMINATED", "stale"],
  ["INACTIVE", "EXCLUDED_BY_TAG", "stale"],
  ["INACTIVE", "NO_SCAN_CONFIGURATION_ASSOCIATED", "absent"],
  ["INACTIVE", "UNSUPPORTED_OS", "unsupported"],
  ["INACTIVE", "UNSUPPORTED_RUNTIME", "unsupported"],
  ["INACTIVE", "UNSUPPORTED_MEDIA_TYPE", "unsupported"],
  ["INACTIVE", "UNSUPPORTED_CONFIG_FILE", "unsupported"],
  ["INACTIVE", "UNSUPPORTED_LANGUAGE", "unsupported"],
  ["INACTIVE", "UNSUPPORTED_CODE_ARTIFACTS", "unsupported"],
  ["INACTIVE", "IMAGE_SIZE_EXCEEDED", "unsupported"],
  ["INACTIVE", "STORAGE_LIMIT_EXCEEDED", "unsupported"],
  ["INACTIVE", "INVALID_ARTIFACT", "unsupported"],
  ["INACTIVE", "NO_INVENTORY", "failed"],
  ["INACTIVE", "INTERNAL_ERROR", "failed"],
  ["INACTIVE", "ACCESS_DENIED", "failed"],
  ["INACTIVE", "ACCESS_DENIED_TO_ENCRYPTION_KEY", "failed"],
  ["INACTIVE", "EXTRACTION_COLLECTION_TIME_LIMIT_EXCEEDED", "failed"],
  ["INACTIVE", "INTEGRATION_CONNECTION_LOST", "failed"],
  // About machines and functions, never about an image: not scanned is all that is known.
  ["INACTIVE", "UNMANAGED_EC2_INSTANCE", "stale"],
  ["INACTIVE", "EC2_INSTANCE_STOPPED", "stale"],
  ["INACTIVE", "NO_RESOURCES_FOUND", "stale"],
  ["INACTIVE", "DEEP_INSPECTION_NO_INVENTORY", "stale"],
  ["INACTIVE", "DEEP_INSPECTION_PACKAGE_COLLECTION_LIMIT_EXCEEDED", "stale"],
  ["INACTIVE", "DEEP_INSPECTION_DAILY_SSM_INVENTORY_LIMIT_EXCEEDED", "stale"],
  ["INACTIVE", "DEEP_INSPECTION_COLLECTION_TIME_LIMIT_EXCEEDED", "stale"],
  ["INACTIVE", "AGENTLESS_INSTANCE_STORAGE_LIMIT_EXCEEDED", "stale"],
  ["INACTIVE", "AGENTLESS_INSTANCE_COLLECTION_TIME_LIMIT_EXCEEDED", "stale"],
  ["INACTIVE", "RESOURCE_UNMANAGED", "stale"],
  ["INACTIVE", "RESOURCE_STOPPED", "stale"],
  ["ACTIVE", "RESOURCE_STOPPED", "unavailable"],
  ["ACTIVE", "SUCCESSFUL_SOON", "unavailable"],
  ["INACTIVE", "SUCCESSFUL_SOON", "stale"],
  ["PAUSED", "SUCCESSFUL", "unavailable"],
])("Inspector's coverage %s, %s is %s", (code, reason, expected) => {
  expect(meaningOfCoverage(code, reason).state).toBe(expected);
});

test.each([
  ["CRITICAL", "critical"],
  ["HIGH", "high"],
  ["MEDIUM", "medium"],
  ["LOW", "low"],
  ["INFORMATIONAL", "negligible"],
  ["UNDEFINED", "unknown"],
  ["UNTRIAGED", "unknown"],
  ["CATASTROPHIC", "unknown"],
  ["constructor", "unknown"],
  [undefined, "unknown"],
])("severity %s is %s", (word, expected) => {
  expect(ecrSeverity(word)).toBe(expected);
});

test.each([
  ["ScanNotFoundException", true],
  ["ImageNotFoundException", true],
  ["RepositoryNotFoundException", true],
  ["ServerException", false],
  ["InvalidParameterException", false],
  ["ValidationException", false],
  ["AccessDeniedException", false],
  ["toString", false],
  ["SomethingNewException", false],
])("%s says that there is no scan: %s", (type, expected) => {
  expect(absenceOf(type) !== undefined).toBe(expected);
});
