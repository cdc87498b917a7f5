import { expect, test } from "vitest";
import { chooseId, asId } from "./ids.ts";
import { imageNames, platformOf } from "./image-names.ts";
import { packageType } from "./package-type.ts";
import { severityOf, severityOfScore } from "./severity-words.ts";
import { asBuildTime, asInstant, asLine, asNumber, asUrl } from "./values.ts";

test.each<[unknown, string | undefined]>([
  ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"],
  ["2026-11-22T10:00:00.123456789+02:00", "2026-11-22T08:00:00.123Z"],
  ["2026-11-22 10:00:00 +0000", "2026-11-22T10:00:00Z"],
  ["2026-11-22T10:00:00", "2026-11-22T10:00:00Z"],
  ["2026-11-22", "2026-11-22T00:00:00Z"],
  ["2026-02-30", undefined],
  ["2026-11-22T25:00:00Z", undefined],
  ["0001-01-01T00:00:00Z", undefined],
  ["yesterday", undefined],
  ["", undefined],
  [1763805600, undefined],
  [null, undefined],
])("time %j", (value, expected) => {
  expect(asInstant(value)).toBe(expected);
});

test("an image built at the beginning of 1970 was built at no known time", () => {
  expect([asBuildTime("1970-01-01T00:00:00Z"), asBuildTime("2026-01-01T00:00:00Z")]).toEqual([
    undefined,
    "2026-01-01T00:00:00Z",
  ]);
});

test.each<[unknown, number | undefined]>([
  [9.8, 9.8],
  ["9.8", 9.8],
  [0, 0],
  [10, 10],
  [10.1, undefined],
  [-1, undefined],
  [Number.NaN, undefined],
  ["", undefined],
  ["1e1", undefined],
  ["0x1", undefined],
])("score %j", (value, expected) => {
  expect(asNumber(value, 0, 10)).toBe(expected);
});

test("prose becomes one line", () => {
  expect([asLine(" a\u001b[31m\nb "), asLine(" "), asLine(7), asLine("x".repeat(400))?.length]).toEqual([
    "a b",
    undefined,
    undefined,
    300,
  ]);
});

test("only pages are links", () => {
  expect(
    ["https://a.example/b", "http://a.example", "javascript:alert(1)", "/etc", "https://a b", 7].map(asUrl),
  ).toEqual(["https://a.example/b", "http://a.example", undefined, undefined, undefined, undefined]);
});

test.each<[unknown, string | undefined]>([
  ["cve-2026-1234", "CVE-2026-1234"],
  [" GHSA-abcd-1234-5678 ", "GHSA-abcd-1234-5678"],
  ["pyup.io-123", "pyup.io-123"],
  ["CVE-2026 1234", undefined],
  ["CVE\u0000", undefined],
  ["", undefined],
  ["x".repeat(129), undefined],
  [7, undefined],
])("id %j", (value, expected) => {
  expect(asId(value)).toBe(expected);
});

test.each<[string, string[], object]>([
  ["CVE-2026-1000", [], { id: "CVE-2026-1000" }],
  ["GHSA-a", ["CVE-2026-1000"], { id: "CVE-2026-1000", aliases: ["GHSA-a"] }],
  ["CVE-2026-1000", ["CVE-2026-1000", "GHSA-a"], { id: "CVE-2026-1000", aliases: ["GHSA-a"] }],
  [
    "ELSA-1",
    ["CVE-2026-1001", "CVE-2026-1000"],
    { id: "ELSA-1", aliases: ["CVE-2026-1000", "CVE-2026-1001"] },
  ],
])("%s with %j", (own, others, expected) => {
  expect(chooseId(own, others)).toEqual(expected);
});

test.each<[unknown, string]>([
  ["CRITICAL", "critical"],
  ["Negligible", "negligible"],
  ["", "unknown"],
  ["Defcon 1", "unknown"],
  ["constructor", "unknown"],
  [3, "unknown"],
  [undefined, "unknown"],
])("severity %j", (word, expected) => {
  expect(severityOf(word)).toBe(expected);
});

test("severity of a score", () => {
  expect([10, 9, 8.9, 7, 6.9, 4, 3.9, 0.1, 0].map(severityOfScore)).toEqual([
    "critical",
    "critical",
    "high",
    "high",
    "medium",
    "medium",
    "low",
    "low",
    "unknown",
  ]);
});

test.each<[string | undefined, string | undefined, string | undefined]>([
  ["pkg:deb/debian/bash@5", "npm", "deb"],
  [undefined, "gobinary", "golang"],
  [undefined, "Alpine", "apk"],
  [undefined, "toString", undefined],
  ["", undefined, undefined],
])("package type of %j and %j", (purl, word, expected) => {
  expect(packageType(purl, word)).toBe(expected);
});

const digest = `sha256:${"a".repeat(64)}`;
const other = `sha256:${"b".repeat(64)}`;

test("images: by repository, without files, with the image's own digests in each", () => {
  expect(
    imageNames(
      [
        "alpine",
        `ghcr.io/acme/app@${digest}`,
        "registry:ghcr.io/acme/app:1",
        "./a.tar",
        "x.tar.gz",
        "A B",
        7,
      ],
      [other, "sha256:1"],
    ),
  ).toEqual([
    { registry: "docker.io", repository: "library/alpine", digests: [other], tags: ["latest"] },
    { registry: "ghcr.io", repository: "acme/app", digests: [digest, other], tags: ["1"] },
  ]);
  expect([imageNames([], [digest, digest]), imageNames(["/tmp/x"], [])]).toEqual([
    [{ digests: [digest], tags: [] }],
    [],
  ]);
});

test.each<[unknown[], string | undefined]>([
  [["linux", "amd64"], "linux/amd64"],
  [["linux", "arm64", "v8"], "linux/arm64"],
  [["linux", "arm", "v7"], "linux/arm/v7"],
  [["linux", ""], undefined],
  [["linux", "amd64/x"], undefined],
  [[7, "amd64"], undefined],
])("platform %j", ([os, architecture, variant], expected) => {
  expect(platformOf(os, architecture, variant)).toBe(expected);
});
