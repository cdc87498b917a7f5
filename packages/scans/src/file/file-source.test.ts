import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseImageReference } from "@gatehouse/policy";
import { afterEach, expect, test } from "vitest";
import { fileSource } from "./file-source.ts";
import type { FileSource, FileSourceOptions } from "./file-source.ts";

const digestA = `sha256:${"a".repeat(64)}`;
const digestB = `sha256:${"b".repeat(64)}`;
const { signal } = new AbortController();
const opened: { close(): Promise<void> }[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map(async (source) => await source.close()));
  await Promise.all(
    folders.splice(0).map(async (folder) => await rm(folder, { recursive: true, force: true })),
  );
});

async function folderOf(files: Record<string, unknown>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reports-"));
  folders.push(folder);
  await put(folder, files);
  return folder;
}

async function put(folder: string, files: Record<string, unknown>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  }
}

/** A source that reads again only when told to. */
function open(directory: string, options: Partial<FileSourceOptions> = {}): FileSource {
  const watch = () => ({ close: () => undefined });
  const source = fileSource({ name: "folder", directory, watch, ...options });
  opened.push(source);
  return source;
}

function report(digest: string | undefined, ids: string[], scannedAt = "2026-11-20T00:00:00Z"): object {
  return {
    SchemaVersion: 2,
    CreatedAt: scannedAt,
    Metadata: digest === undefined ? {} : { RepoDigests: [`shop.example/cart@${digest}`] },
    Results: [
      {
        Target: "x",
        Class: "os-pkgs",
        Vulnerabilities: ids.map((id) => ({ VulnerabilityID: id, Severity: "LOW" })),
      },
    ],
  };
}

async function idsOf(source: FileSource, digest: string): Promise<unknown> {
  const { state, findings } = await source.report(
    { registry: "shop.example", repository: "cart", digest },
    signal,
  );
  return [state, ...findings.map(({ id }) => id)];
}

function reference(text: string) {
  const parsed = parseImageReference(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.reference;
}

test("reports of a folder and of those below it, named by themselves or by a line beside them", async () => {
  const folder = await folderOf({
    "a.json": report(digestA, ["CVE-2026-1000"]),
    "deep/er/b.json": report(undefined, ["CVE-2026-1001"]),
    "deep/er/image.txt": `shop.example/pay:2@${digestB} linux/arm64\n`,
    "notes.md": "nothing",
  });
  const source = open(folder);
  expect(await idsOf(source, digestA)).toEqual(["complete", "CVE-2026-1000"]);
  expect(await idsOf(source, digestB)).toEqual(["complete", "CVE-2026-1001"]);
  expect(await source.resolve?.(reference("shop.example/pay:2"), signal)).toEqual({
    digest: digestB,
    fromReports: true,
    platforms: [{ platform: "linux/arm64", digest: digestB }],
  });
  expect(await source.problems()).toEqual([]);
});

test("nothing is dropped in silence", async () => {
  const folder = await folderOf({
    "big.json": " ".repeat(3000),
    "broken.json": "{",
    "nameless.json": report(undefined, ["CVE-2026-1000"]),
    "other.image.txt": "shop.example/cart:1",
    "sub/image.txt": "Not A Reference\n",
    "sub/sbom.json": { bomFormat: "CycloneDX" },
    "a/b/c.json": report(digestA, []),
  });
  await symlink(join(folder, "nowhere"), join(folder, "dangling.json"));
  const source = open(folder, { limits: { fileBytes: 2000, depth: 1 } });
  const nothing =
    "expected a report of Trivy or Grype (JSON or SARIF), or an in-toto or cosign vulnerability attestation";
  expect(await source.problems()).toEqual([
    { file: "a/b", reason: "deeper than 1 folders: not read" },
    { file: "big.json", reason: "3000 bytes, more than the 2000 that are read" },
    {
      file: "broken.json",
      reason: "not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
    },
    { file: "dangling.json", reason: "not readable: ENOENT" },
    {
      file: "nameless.json",
      reason:
        "it does not say which image it is about; write registry/repository:tag@digest into image.txt beside it",
    },
    { file: "other.image.txt", reason: "no report stands beside it" },
    {
      file: "sub/image.txt",
      reason: 'line 1: "Not": a repository name must be in lower case, got "Not"',
    },
    { file: "sub/sbom.json", reason: nothing },
  ]);
});

test("a broken report beside image.txt makes that image failed", async () => {
  const folder = await folderOf({ "scan.json": "{", "image.txt": `shop.example/cart@${digestA}` });
  expect(await idsOf(open(folder), digestA)).toEqual(["failed"]);
});

test("registries that it does not name are not its own", async () => {
  const folder = await folderOf({});
  const named = open(folder, { registries: ["shop.example"] });
  const image = (registry: string) => ({ registry, repository: "cart" });
  expect([named.covers(image("shop.example")), named.covers(image("other.example"))]).toEqual([true, false]);
  expect(open(folder).covers(image("any.example"))).toBe(true);
});

test("a folder that cannot be read is unavailable, and so it is when it goes away", async () => {
  const folder = await folderOf({ "a.json": report(digestA, []) });
  const missing = open(join(folder, "missing"));
  expect(await idsOf(missing, digestA)).toEqual(["unavailable"]);
  expect(() => missing.resolve?.(reference("shop.example/cart:1"), signal)).toThrow("ENOENT");
  expect(() => missing.scanByTag?.(reference("shop.example/cart:1"), signal)).toThrow("ENOENT");
  expect(await missing.resolve?.(reference(`shop.example/cart@${digestA}`), signal)).toBeUndefined();

  const source = open(folder);
  expect(await idsOf(source, digestA)).toEqual(["complete"]);
  await rm(folder, { recursive: true });
  await source.reload();
  expect(await idsOf(source, digestA)).toEqual(["unavailable"]);
});

test("a change is read when the watch tells of it", async () => {
  const folder = await folderOf({ "a.json": report(digestA, []) });
  let changed = (): void => undefined;
  const source = open(folder, {
    settleMs: 1,
    watch: (_, onChange) => {
      changed = onChange;
      return { close: () => undefined };
    },
  });
  expect(await idsOf(source, digestA)).toEqual(["complete"]);
  await put(folder, { "a.json": report(digestA, ["CVE-2026-1000"]) });
  changed();
  changed();
  await expect.poll(async () => await idsOf(source, digestA)).toEqual(["complete", "CVE-2026-1000"]);
});

test("a change is read without any watch", async () => {
  const folder = await folderOf({ "a.json": report(digestA, []) });
  const source = open(folder, { pollMs: 5 });
  await put(folder, { "a.json": report(digestA, ["CVE-2026-1000"]), "b.json": report(digestB, []) });
  await expect.poll(async () => await idsOf(source, digestA)).toEqual(["complete", "CVE-2026-1000"]);
  await rm(join(folder, "b.json"));
  await expect.poll(async () => await idsOf(source, digestB)).toEqual(["absent"]);
});

test("a ConfigMap: files and folders are links, replaced all at once", async () => {
  const folder = await folderOf({
    "..2026_1/a.json": report(digestA, []),
    "..2026_1/sub/b.json": report(digestB, ["CVE-2026-1000"]),
  });
  await symlink("..2026_1", join(folder, "..data"));
  await symlink(join("..data", "a.json"), join(folder, "a.json"));
  await symlink(join("..data", "sub"), join(folder, "sub"));
  const source = fileSource({ name: "folder", directory: folder, settleMs: 1, pollMs: 3_600_000 });
  opened.push(source);
  expect([await idsOf(source, digestA), await idsOf(source, digestB)]).toEqual([
    ["complete"],
    ["complete", "CVE-2026-1000"],
  ]);
  expect(await source.problems()).toEqual([]);

  await put(folder, {
    "..2026_2/a.json": report(digestA, ["CVE-2026-1001"]),
    "..2026_2/sub/b.json": report(digestB, []),
  });
  await symlink("..2026_2", join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  await rm(join(folder, "..2026_1"), { recursive: true });
  await expect
    .poll(async () => [await idsOf(source, digestA), await idsOf(source, digestB)])
    .toEqual([["complete", "CVE-2026-1001"], ["complete"]]);
});

test("a link that leads in a circle is followed once", async () => {
  const folder = await folderOf({ "sub/a.json": report(digestA, []) });
  await symlink(folder, join(folder, "sub", "round"));
  const source = open(folder);
  expect([await idsOf(source, digestA), await source.problems()]).toEqual([["complete"], []]);
});

test("closed, it reads no more", async () => {
  const folder = await folderOf({ "a.json": report(digestA, []) });
  const source = open(folder);
  expect(await idsOf(source, digestA)).toEqual(["complete"]);
  await source.close();
  await put(folder, { "a.json": report(digestA, ["CVE-2026-1000"]) });
  await source.reload();
  expect(await idsOf(source, digestA)).toEqual(["complete"]);
});

test("a finding that reports have in common is held once, also after one of them was written anew", async () => {
  const folder = await folderOf({
    "a.json": report(digestA, ["CVE-2026-1000", "CVE-2026-1001"]),
    "b.json": report(digestB, ["CVE-2026-1000"]),
  });
  const source = open(folder);
  const findingsOf = async (digest: string) => {
    const image = { registry: "shop.example", repository: "cart", digest };
    return (await source.report(image, signal)).findings;
  };
  const [first] = await findingsOf(digestA);
  expect((await findingsOf(digestB))[0]).toBe(first);
  await put(folder, { "a.json": report(digestA, ["CVE-2026-1000"], "2026-11-21T00:00:00Z") });
  await source.reload();
  const again = await findingsOf(digestA);
  expect(again).toHaveLength(1);
  expect(again[0]).toBe(first);
});
