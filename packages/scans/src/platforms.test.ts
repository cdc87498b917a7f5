import { expect, test } from "vitest";
import { platformFits, takenFrom } from "./platforms.ts";

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
  ["linux/amd64/v2", "linux/amd64/v3", true],
  ["linux/amd64/v4", "linux/amd64/v3", false],
  ["linux/arm64/v8.5", "linux/arm64/v9", true],
  ["linux/x86_64", "linux/amd64", true],
  ["Linux/X86-64", "linux/amd64", true],
  ["linux/aarch64", "linux/arm64", true],
  ["linux/armhf", "linux/arm/v7", true],
  ["linux/armhf", "linux/arm/v6", false],
  ["linux/i386", "linux/386", true],
  ["linux/386", "linux/amd64", false],
  ["linux/constructor", "linux/amd64", false],
  ["unknown/unknown", "linux/amd64", false],
])("%s where %s is scheduled: %s", (offered, wanted, fits) => {
  expect(platformFits(offered, wanted)).toBe(fits);
});

const taken = (offered: readonly string[], wanted: readonly string[]) =>
  takenFrom(
    offered.map((platform) => (platform === "" ? {} : { platform })),
    wanted,
  ).map(({ platform = "" }) => platform);

test("an index cannot hide what runs under another name of the same architecture", () => {
  expect(taken(["linux/x86_64", "linux/amd64", "linux/arm64"], ["linux/amd64"])).toEqual([
    "linux/x86_64",
    "linux/amd64",
  ]);
});

test("what a processor runs besides counts only where its own is not sure to be taken", () => {
  expect(taken(["linux/386", "linux/amd64"], ["linux/amd64"])).toEqual(["linux/amd64"]);
  expect(taken(["linux/386", "linux/amd64/v1"], ["linux/amd64"])).toEqual(["linux/amd64/v1"]);
  expect(taken(["linux/386", "linux/amd64/v4"], ["linux/amd64"])).toEqual(["linux/386", "linux/amd64/v4"]);
  expect(taken(["linux/386"], ["linux/amd64"])).toEqual(["linux/386"]);
  expect(taken(["linux/arm/v7", "linux/arm64/v9"], ["linux/arm64"])).toEqual([
    "linux/arm/v7",
    "linux/arm64/v9",
  ]);
  expect(taken(["linux/arm/v7", "linux/arm64/v8"], ["linux/arm64"])).toEqual(["linux/arm64/v8"]);
  expect(taken(["linux/s390x", ""], ["linux/amd64"])).toEqual([""]);
});
