import { expect, test } from "vitest";
import { platformFits } from "./platforms.ts";

test.each([
  ["linux/amd64", "linux/amd64", true],
  ["linux/amd64", "linux/arm64", false],
  ["windows/amd64", "linux/amd64", false],
  ["linux/arm64/v8", "linux/arm64", true],
  ["linux/arm64", "linux/arm64/v8", true],
  ["linux/arm64/v9", "linux/arm64/v8", false],
  ["linux/arm/v6", "linux/arm/v7", true],
  ["linux/arm/v7", "linux/arm/v6", false],
  ["linux/amd64/v3", "linux/amd64", true],
  ["unknown/unknown", "linux/amd64", false],
])("%s where %s is scheduled: %s", (offered, wanted, fits) => {
  expect(platformFits(offered, wanted)).toBe(fits);
});
