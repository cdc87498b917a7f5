/**
 * A folder of scan reports, read whole.
 */
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { oneLine } from "@gatehouse/policy";
import type { ImageReference, Platform } from "@gatehouse/policy";
import pLimit from "p-limit";
import { createFindingPool, type FindingPool } from "../cache/finding-pool.ts";
import type { ParseContext, ParsedReport, ParseResult, ReportedImage } from "../parse/parsed.ts";
import { parseReport } from "../parse/report.ts";
import { imageFileTargets, parseImageLines } from "./image-lines.ts";
import type { FolderReport } from "./report-index.ts";

/** Something in the folder that could not be used. */
export interface FolderProblem {
  /** Path below the folder. */
  file: string;
  /** One line. */
  reason: string;
}

/** What a reading of a folder gave. */
export interface Folder {
  reports: FolderReport[];
  problems: FolderProblem[];
}

/** How much of a folder is read; past a bound, the rest is a problem each. */
export interface FolderLimits {
  /** Largest report, in bytes. */
  fileBytes: number;
  files: number;
  depth: number;
}
/** Bounds that real folders stay far below. */
export const folderLimits: FolderLimits = { fileBytes: 64 * 1024 * 1024, files: 20_000, depth: 8 };

/** What was parsed before, by path; a file that has not changed since is not parsed again. */
export interface ParseCache {
  parsed: Map<string, { version: string; result: ParseResult }>;
  /** Reports of one registry's images have most of their findings in common: each is held once. */
  pool: FindingPool;
}

/** Nothing parsed yet. */
export function createParseCache(): ParseCache {
  return { parsed: new Map(), pool: createFindingPool() };
}

const isReport = /\.(?:json|sarif)$/i;
const isImageFile = /(?:^|\.)image\.txt$/;

interface FoundFile {
  path: string;
  folder: string;
  name: string;
  bytes: number;
  version: string;
}

/**
 * Reads every `.json` and `.sarif` below `directory`. Rejects only when the directory itself cannot be read.
 * Symbolic links are followed, since Kubernetes mounts a ConfigMap as links; names that begin with `..` are its own.
 */
export async function readFolder(
  directory: string,
  context: ParseContext,
  limits: FolderLimits = folderLimits,
  cache: ParseCache = createParseCache(),
): Promise<Folder> {
  const problems: FolderProblem[] = [];
  const files: FoundFile[] = [];
  await walk(directory, "", { limits, files, problems, seen: new Set() });
  const named = await readImageFiles(directory, files, problems);
  const limit = pLimit(8);
  const reports = await Promise.all(
    files
      .filter(({ name }) => isReport.test(name))
      .map((file) => limit(async () => await readReport(directory, file, context, limits, cache))),
  );
  const present = new Set(files.map(({ path }) => path));
  for (const path of cache.parsed.keys()) if (!present.has(path)) forget(path, cache);
  return {
    reports: reports.map(({ path, result }) => {
      const { images, platform } = nameImages(result, named.get(path) ?? []);
      const reason = result.kind === "report" ? undefined : result.reason;
      if (reason !== undefined) problems.push({ file: path, reason });
      else if (images.length === 0) problems.push({ file: path, reason: noImage });
      return result.kind === "report"
        ? { file: path, images, ...(platform === undefined ? {} : { platform }), parsed: result }
        : { file: path, images, ...(platform === undefined ? {} : { platform }), unreadable: result.reason };
    }),
    problems: problems.sort((a, b) => (a.file < b.file ? -1 : 1)),
  };
}

const noImage =
  "it does not say which image it is about; write registry/repository:tag@digest into image.txt beside it";

interface Walk {
  limits: FolderLimits;
  files: FoundFile[];
  problems: FolderProblem[];
  /** Real paths of the folders entered, so that a link cannot lead in a circle. */
  seen: Set<string>;
}

async function walk(root: string, folder: string, state: Walk, depth = 0): Promise<void> {
  const here = join(root, folder);
  const real = await realpath(here);
  if (state.seen.has(real)) return;
  state.seen.add(real);
  const entries = (await readdir(here)).filter((name) => !name.startsWith("..")).sort();
  for (const name of entries) {
    const path = relative(root, join(here, name));
    try {
      const info = await stat(join(here, name));
      if (info.isDirectory()) {
        if (depth < state.limits.depth) await walk(root, path, state, depth + 1);
        else
          state.problems.push({ file: path, reason: `deeper than ${state.limits.depth} folders: not read` });
      } else if (info.isFile() && (isReport.test(name) || isImageFile.test(name))) {
        if (state.files.length >= state.limits.files)
          state.problems.push({ file: path, reason: `more than ${state.limits.files} files: not read` });
        else
          state.files.push({
            path,
            folder,
            name,
            bytes: info.size,
            version: `${info.ino}:${info.size}:${info.mtimeMs}:${info.ctimeMs}`,
          });
      }
    } catch (error) {
      state.problems.push({ file: path, reason: `not readable: ${messageOf(error)}` });
    }
  }
}

type Named = { reference: ImageReference; platform?: Platform }[];

/** The lines of every image file, by the path of the report that they are about. */
async function readImageFiles(
  directory: string,
  files: readonly FoundFile[],
  problems: FolderProblem[],
): Promise<Map<string, Named>> {
  const named = new Map<string, Named>();
  for (const file of files.filter(({ name }) => isImageFile.test(name))) {
    const beside = files.filter(({ folder, name }) => folder === file.folder && isReport.test(name));
    const targets =
      imageFileTargets(
        file.name,
        beside.map(({ name }) => name),
      ) ?? [];
    try {
      const text = file.bytes > 1024 * 1024 ? undefined : await readFile(join(directory, file.path), "utf8");
      if (text === undefined) throw new Error("larger than 1 MiB");
      const { lines, problems: bad } = parseImageLines(text, new Set(targets));
      problems.push(...bad.map((reason) => ({ file: file.path, reason })));
      for (const { file: only, ...line } of lines) {
        for (const target of beside.filter(({ name }) =>
          only === undefined ? targets.includes(name) : name === only,
        ))
          named.set(target.path, [...(named.get(target.path) ?? []), line]);
      }
      if (targets.length === 0) problems.push({ file: file.path, reason: "no report stands beside it" });
    } catch (error) {
      problems.push({ file: file.path, reason: `not readable: ${messageOf(error)}` });
    }
  }
  return named;
}

async function readReport(
  directory: string,
  file: FoundFile,
  context: ParseContext,
  limits: FolderLimits,
  cache: ParseCache,
): Promise<{ path: string; result: ParseResult }> {
  const { path, version, bytes } = file;
  const known = cache.parsed.get(path);
  if (known?.version === version) return { path, result: known.result };
  const parsed = await parseFile(join(directory, path), bytes, context, limits);
  const result = parsed.kind === "report" ? sharing(parsed, cache.pool) : parsed;
  // Shared before the old ones are let go, so that what stays the same stays held.
  forget(path, cache);
  // A file that is being written may fail now and have the same size and time when it is whole.
  if (result.kind === "report") cache.parsed.set(path, { version, result });
  return { path, result };
}

function sharing(parsed: ParsedReport, pool: FindingPool): ParsedReport {
  return { ...parsed, report: { ...parsed.report, findings: pool.share(parsed.report.findings) } };
}

function forget(path: string, { parsed, pool }: ParseCache): void {
  const old = parsed.get(path)?.result;
  parsed.delete(path);
  if (old?.kind === "report") pool.release(old.report.findings);
}

async function parseFile(
  path: string,
  bytes: number,
  context: ParseContext,
  limits: FolderLimits,
): Promise<ParseResult> {
  if (bytes > limits.fileBytes)
    return {
      kind: "not-a-report",
      reason: `${bytes} bytes, more than the ${limits.fileBytes} that are read`,
    };
  try {
    return parseReport(await readFile(path, "utf8"), context);
  } catch (error) {
    return { kind: "not-a-report", reason: `not readable: ${messageOf(error)}` };
  }
}

/** What the report says and what the lines beside it say, together. */
function nameImages(result: ParseResult, lines: Named): { images: ReportedImage[]; platform?: Platform } {
  const own = result.kind === "report" ? result.images : [];
  const added = lines.map(({ reference }): ReportedImage => {
    const { registry, repository, tag, digest } = reference;
    const same = own.find((image) => image.registry === registry && image.repository === repository);
    return {
      registry,
      repository,
      digests: [...new Set([...(digest === undefined ? [] : [digest]), ...(same?.digests ?? [])])],
      tags: [...new Set([...(tag === undefined ? [] : [tag]), ...(same?.tags ?? [])])],
    };
  });
  const rest = own.filter(
    (image) => !added.some((one) => one.registry === image.registry && one.repository === image.repository),
  );
  const platform =
    (result.kind === "report" ? result.platform : undefined) ?? lines.find((line) => line.platform)?.platform;
  return { images: [...added, ...rest], ...(platform === undefined ? {} : { platform }) };
}

function messageOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code !== "" ? code : oneLine(error instanceof Error ? error.message : String(error), 120);
}
