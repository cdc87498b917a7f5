import type { Platform, ScanReport } from "@gatehouse/policy";
import { parseImageReference } from "@gatehouse/policy";
import { expect, test } from "vitest";
import type { ReportedImage } from "../parse/parsed.ts";
import { indexReports } from "./report-index.ts";
import type { FolderReport } from "./report-index.ts";

const origin = { source: "folder", trust: { kind: "source" } } as const;
const digestA = `sha256:${"a".repeat(64)}`;
const digestB = `sha256:${"b".repeat(64)}`;
const cart = { registry: "shop.example", repository: "cart" };
const first = "2026-11-20T00:00:00Z";
const second = "2026-11-21T00:00:00Z";

function scan(
  scannedAt: string | undefined,
  ids: string[] = [],
  state: ScanReport["state"] = "complete",
): ScanReport {
  return {
    state,
    ...origin,
    ...(scannedAt === undefined ? {} : { scannedAt }),
    findings: ids.map((id) => ({ id, severity: "high" as const })),
  };
}

function entry(
  file: string,
  image: Partial<ReportedImage>,
  report: ScanReport | string,
  platform?: Platform,
): FolderReport {
  const images = [{ ...cart, digests: [], tags: [], ...image }];
  const about = { file, images, ...(platform === undefined ? {} : { platform }) };
  return typeof report === "string"
    ? { ...about, unreadable: report }
    : { ...about, parsed: { kind: "report", format: "trivy", images, report, createdAt: first } };
}

function reference(text: string) {
  const parsed = parseImageReference(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.reference;
}

const onA = { digests: [digestA], tags: ["1"] };

test("the newest scan of an image wins, in any order of the files", () => {
  const old = entry("a.json", onA, scan(first, ["CVE-2026-1"]));
  const newer = entry("b.json", onA, scan(second, []));
  const untimed = entry("c.json", onA, scan(undefined, ["CVE-2026-2"], "pending"));
  for (const reports of [
    [old, newer, untimed],
    [untimed, newer, old],
  ])
    expect(indexReports(reports, origin).report({ ...cart, digest: digestA })).toEqual(scan(second, []));
});

test("of two scans of one time the worse wins", () => {
  const reports = [entry("a.json", onA, scan(first)), entry("b.json", onA, scan(first, ["CVE-2026-1"]))];
  expect(indexReports(reports, origin).report({ ...cart, digest: digestA })).toEqual(
    scan(first, ["CVE-2026-1"]),
  );
});

test("platforms are kept apart", () => {
  const index = indexReports(
    [
      entry("a.json", onA, scan(first, ["CVE-2026-1"]), "linux/amd64"),
      entry("b.json", onA, scan(second, ["CVE-2026-2"]), "linux/arm64"),
    ],
    origin,
  );
  const image = { ...cart, digest: digestA };
  expect(index.report({ ...image, platform: "linux/amd64" })).toEqual(scan(first, ["CVE-2026-1"]));
  expect(index.report({ ...image, platform: "linux/arm64/v8" })).toEqual(scan(second, ["CVE-2026-2"]));
  expect(index.report({ ...image, platform: "linux/s390x" })).toEqual({
    state: "absent",
    reason: `the folder's reports about shop.example/cart@${digestA} are for linux/amd64, linux/arm64, not linux/s390x`,
    ...origin,
    findings: [],
  });
  expect(index.report(image)).toEqual({
    ...scan(second, ["CVE-2026-1", "CVE-2026-2"], "partial"),
    reason: "reports for linux/amd64, linux/arm64, and no telling which of them is meant",
  });
  expect(index.resolve(reference("shop.example/cart:1"))).toEqual({
    digest: digestA,
    fromReports: true,
    platforms: [
      { platform: "linux/amd64", createdAt: first, digest: digestA },
      { platform: "linux/arm64", createdAt: first, digest: digestA },
    ],
  });
});

test("a report about an index that has a platform twice answers for neither image of it", () => {
  const report = scan(first);
  const index = indexReports([entry("a.json", onA, report, "linux/amd64")], origin);
  const child = { ...cart, digest: digestB, indexDigest: digestA, platform: "linux/amd64" };
  expect(index.report(child)).toEqual(report);
  expect(index.report({ ...child, ambiguous: true })).toEqual({
    state: "absent",
    reason: `no report in the folder is about shop.example/cart@${digestB}`,
    ...origin,
    findings: [],
  });
});

test("a report about the index answers for the platform that it names", () => {
  const index = indexReports([entry("a.json", onA, scan(first, ["CVE-2026-1"]), "linux/amd64")], origin);
  const child = { ...cart, digest: digestB, indexDigest: digestA };
  expect(index.report({ ...child, platform: "linux/amd64" })).toEqual(scan(first, ["CVE-2026-1"]));
  expect(index.report({ ...child, platform: "linux/arm64" }).state).toBe("absent");
});

test("a digest is the same content in every repository", () => {
  const index = indexReports([entry("a.json", onA, scan(first))], origin);
  expect(index.report({ registry: "mirror.example", repository: "x", digest: digestA })).toEqual(scan(first));
  expect(index.resolve(reference("mirror.example/x:1"))).toBeUndefined();
  expect(index.resolve(reference(`mirror.example/x@${digestA}`))).toEqual({
    digest: digestA,
    fromReports: true,
    platforms: [{ createdAt: first, digest: digestA }],
  });
});

test("no report is absent", () => {
  expect(indexReports([], origin).report({ ...cart, digest: digestA })).toEqual({
    state: "absent",
    reason: `no report in the folder is about shop.example/cart@${digestA}`,
    ...origin,
    findings: [],
  });
});

test("a file that cannot be read makes its image failed, or partial beside one that can", () => {
  const broken = entry("b.json", { tags: ["1"] }, "not JSON");
  const alone = indexReports([broken], origin);
  expect(alone.scanByTag(reference("shop.example/cart:1"))).toEqual({
    platforms: [{ report: { state: "failed", reason: "b.json: not JSON", ...origin, findings: [] } }],
  });
  const beside = indexReports(
    [entry("a.json", onA, scan(first, ["CVE-2026-1"]), "linux/amd64"), broken],
    origin,
  );
  expect(beside.report({ ...cart, digest: digestA, platform: "linux/amd64" })).toEqual({
    ...scan(first, ["CVE-2026-1"], "partial"),
    reason: "b.json: not JSON",
  });
});

test("a tag without a digest: found by tag, resolved to nothing", () => {
  const index = indexReports([entry("a.json", { tags: ["1"] }, scan(first, ["CVE-2026-1"]))], origin);
  expect(index.resolve(reference("shop.example/cart:1"))).toBeUndefined();
  expect(index.scanByTag(reference("shop.example/cart:1"))).toEqual({
    platforms: [{ createdAt: first, report: scan(first, ["CVE-2026-1"]) }],
  });
  expect(index.scanByTag(reference("shop.example/cart:2"))).toBeUndefined();
  expect(index.scanByTag(reference(`shop.example/cart:1@${digestA}`))).toBeUndefined();
});

test("a tag is what its newest report says", () => {
  const old = entry("a.json", onA, scan(first));
  const moved = entry("b.json", { digests: [digestB], tags: ["1"] }, scan(second));
  expect(indexReports([old, moved], origin).resolve(reference("shop.example/cart:1"))?.digest).toBe(digestB);
  const nameless = entry("b.json", { tags: ["1"] }, scan(second, ["CVE-2026-1"]));
  const index = indexReports([old, nameless], origin);
  expect(index.resolve(reference("shop.example/cart:1"))).toBeUndefined();
  expect(index.scanByTag(reference("shop.example/cart:1"))).toEqual({
    platforms: [{ createdAt: first, report: scan(second, ["CVE-2026-1"]) }],
  });
});
