import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UsageError } from "../exit.ts";
import type { Io } from "../io.ts";
import { readManifests, type Manifest, type ManifestProblem } from "./manifests.ts";

const isManifest = /\.(?:ya?ml|json)$/i;

/**
 * Reads files, folders (whole, sorted by name) and standard input (`-`).
 *
 * @throws UsageError for a file that is not there and for a folder without manifests
 */
export async function readFiles(
  names: readonly string[],
  io: Pick<Io, "cwd" | "readInput">,
): Promise<{ manifests: Manifest[]; problems: ManifestProblem[] }> {
  const manifests: Manifest[] = [];
  const problems: ManifestProblem[] = [];
  for (const name of names)
    for (const { file, text } of await textsOf(name, io)) {
      const read = readManifests(text, file);
      manifests.push(...read.manifests);
      problems.push(...read.problems);
    }
  return { manifests, problems };
}

async function textsOf(
  name: string,
  { cwd, readInput }: Pick<Io, "cwd" | "readInput">,
): Promise<{ file: string; text: string }[]> {
  if (name === "-") return [{ file: "-", text: await readInput() }];
  try {
    const path = resolve(cwd, name);
    if (!(await stat(path)).isDirectory()) return [{ file: name, text: await readFile(path, "utf8") }];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && isManifest.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    if (files.length === 0)
      throw new UsageError("GH3002", `${name}: expected .yaml, .yml or .json files, found none`);
    return await Promise.all(
      files.map(async (file) => ({
        file: join(name, file.slice(path.length + 1)),
        text: await readFile(file, "utf8"),
      })),
    );
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      "GH3002",
      `${name}: cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}
