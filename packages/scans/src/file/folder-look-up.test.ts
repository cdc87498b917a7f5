import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createSourceLookUp } from "../look-up.ts";
import type { ResolvedImage } from "../source.ts";
import { fileSource } from "./file-source.ts";
import type { FileSource } from "./file-source.ts";

const index = `sha256:${"a".repeat(64)}`;
const child = `sha256:${"b".repeat(64)}`;
const now = () => Date.parse("2026-11-22T00:00:00Z");
const { signal } = new AbortController();
let folder: string;
let source: FileSource;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reports-"));
  source = fileSource({ name: "folder", directory: folder });
});
afterEach(async () => {
  await source.close();
  await rm(folder, { recursive: true });
});

/** A Trivy report, which names a multi-platform image by its index and says which platform it scanned. */
async function put(metadata: object): Promise<void> {
  const report = {
    SchemaVersion: 2,
    CreatedAt: "2026-11-21T00:00:00Z",
    ArtifactName: "shop.example/cart:1",
    ArtifactType: "container_image",
    Metadata: { ImageConfig: { os: "linux", architecture: "amd64" }, ...metadata },
    Results: [
      {
        Target: "app",
        Class: "lang-pkgs",
        Vulnerabilities: [{ VulnerabilityID: "CVE-2026-1000", Severity: "LOW" }],
      },
    ],
  };
  await writeFile(join(folder, "trivy.json"), JSON.stringify(report));
  await source.reload();
}

const expected = {
  state: "complete",
  source: "folder",
  trust: { kind: "source" },
  scanner: { name: "trivy" },
  scannedAt: "2026-11-21T00:00:00Z",
  findings: [{ id: "CVE-2026-1000", severity: "low", fix: { available: false } }],
};

test("a registry resolves the index, the report about the index answers for its platform alone", async () => {
  await put({ RepoDigests: [`shop.example/cart@${index}`] });
  const image: ResolvedImage = {
    digest: index,
    platforms: [
      { platform: "linux/amd64", digest: child },
      { platform: "linux/arm64", digest: `sha256:${"c".repeat(64)}` },
    ],
  };
  const lookUp = createSourceLookUp({
    sources: [{ source }],
    resolver: {
      names: () => true,
      resolve: async () => await Promise.resolve(image),
      createdAt: async () => await Promise.resolve(undefined),
    },
    now,
  });
  const scan = await lookUp("shop.example/cart:1", { platforms: ["linux/amd64", "linux/arm64"], signal });
  expect(scan.platforms.map(({ platform, report }) => [platform, report.state])).toEqual([
    ["linux/amd64", "complete"],
    ["linux/arm64", "absent"],
  ]);
  expect(scan.platforms[0]?.report).toEqual(expected);
});

test("without a registry, the report says what the tag names", async () => {
  await put({ RepoDigests: [`shop.example/cart@${index}`] });
  const lookUp = createSourceLookUp({ sources: [{ source }], now });
  expect(await lookUp("shop.example/cart:1", { platforms: ["linux/amd64"], signal })).toEqual({
    digest: index,
    platforms: [{ platform: "linux/amd64", digest: index, report: expected }],
  });
});

test("a report that knows the tag alone answers for the tag, without a digest", async () => {
  await put({});
  const lookUp = createSourceLookUp({ sources: [{ source }], now });
  expect(await lookUp("shop.example/cart:1", { platforms: ["linux/amd64"], signal })).toEqual({
    platforms: [{ platform: "linux/amd64", report: expected }],
  });
});

test("without a registry, a report about one platform says nothing of another", async () => {
  await put({ RepoDigests: [`shop.example/cart@${index}`] });
  const lookUp = createSourceLookUp({ sources: [{ source }], now });
  for (const reference of ["shop.example/cart:1", `shop.example/cart@${index}`])
    for (const platforms of [["linux/arm64"], ["linux/amd64", "linux/arm64"]]) {
      const scan = await lookUp(reference, { platforms, signal });
      expect(scan.platforms.map(({ platform, report }) => [platform, report.state])).toEqual(
        [
          ["linux/amd64", "complete"],
          ["linux/arm64", "absent"],
        ].filter(([platform = ""]) => platforms.includes(platform)),
      );
    }
});

test("nor does one that knows the tag alone", async () => {
  await put({});
  const lookUp = createSourceLookUp({ sources: [{ source }], now });
  const scan = await lookUp("shop.example/cart:1", { platforms: ["linux/arm64"], signal });
  expect(scan).toEqual({
    platforms: [
      {
        platform: "linux/arm64",
        report: {
          state: "absent",
          reason: "no report is about linux/arm64",
          source: "folder",
          trust: { kind: "source" },
          findings: [],
        },
      },
    ],
  });
});
