import type { Platform } from "@gatehouse/policy";

/**
 * Whether an image for `offered` may run where `wanted` is scheduled. A variant that only one side names does not
 * tell them apart (`linux/arm64` and `linux/arm64/v8`), and an older 32-bit Arm runs on a newer one: a runtime would
 * take either, so both are judged.
 */
export function platformFits(offered: Platform, wanted: Platform): boolean {
  const [os, architecture, variant] = offered.split("/");
  const [wantedOs, wantedArchitecture, wantedVariant] = wanted.split("/");
  if (os !== wantedOs || architecture !== wantedArchitecture) return false;
  if (variant === undefined || wantedVariant === undefined || variant === wantedVariant) return true;
  return architecture === "arm" && variant <= wantedVariant;
}
