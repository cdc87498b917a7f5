/**
 * Finds the programs that the cluster needs, and builds those that are nowhere: once per go.mod, go.sum and Go release,
 * into a cache outside the tree.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, chmod, mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type BuildProgress, goBuild, goVersion } from "./go-build.ts";
import { controlPlanePrograms, goPackage, type GoPackage, type Program } from "./programs.ts";

/** Absolute paths of the programs asked for. */
export type Binaries<P extends Program> = Readonly<Record<P, string>>;

/**
 * Finds each of `programs`, or builds it.
 *
 * The control plane is taken whole from one place, since its parts are tested together: the folder KUBEBUILDER_ASSETS,
 * else PATH if all three are there, else the cache. kubectl comes from KUBEBUILDER_ASSETS or PATH before the cache.
 * @throws when KUBEBUILDER_ASSETS lacks a part, and when a build is needed and Go is missing or fails.
 */
export async function findBinaries<P extends Program>(
  programs: readonly P[],
  onProgress: (progress: BuildProgress) => void = () => undefined,
): Promise<Binaries<P>> {
  const found = new Map<Program, string>();
  for (const [program, path] of await installedControlPlane()) found.set(program, path);
  const kubectl = await firstIn([...assets(), ...searchPath()], "kubectl");
  if (kubectl !== undefined) found.set("kubectl", kubectl);
  for (const program of programs) {
    if (!found.has(program)) found.set(program, await cached(program, onProgress));
  }
  return Object.fromEntries(programs.map((program) => [program, found.get(program)])) as Binaries<P>;
}

async function installedControlPlane(): Promise<[Program, string][]> {
  for (const folder of assets()) {
    const missing: string[] = [];
    const found: [Program, string][] = [];
    for (const program of controlPlanePrograms) {
      const path = await firstIn([folder], program);
      if (path === undefined) missing.push(program);
      else found.push([program, path]);
    }
    if (missing.length > 0) {
      throw new Error(
        `KUBEBUILDER_ASSETS=${folder}: expected ${controlPlanePrograms.join(", ")}; missing ${missing.join(", ")}. ` +
          "Add them, or unset KUBEBUILDER_ASSETS to have them built",
      );
    }
    return found;
  }
  const onPath = await Promise.all(
    controlPlanePrograms.map(async (program) => [program, await firstIn(searchPath(), program)] as const),
  );
  const found = onPath.flatMap(([program, path]) =>
    path === undefined ? [] : [[program, path] as [Program, string]],
  );
  return found.length === controlPlanePrograms.length ? found : [];
}

async function cached(program: Program, onProgress: (progress: BuildProgress) => void): Promise<string> {
  const source = await goPackage(program);
  const version = await goVersion();
  if (version === undefined) {
    throw new Error(
      `${program} has to be built and there is no Go: install Go 1.26 or later, or set KUBEBUILDER_ASSETS to a folder ` +
        `with ${controlPlanePrograms.join(", ")} and kubectl`,
    );
  }
  const folder = join(cacheFolder(), await keyOf(source, version));
  const path = join(folder, program);
  if (await isExecutable(path)) return path;
  await mkdir(folder, { recursive: true });
  const release = await lock(`${path}.lock`);
  try {
    if (await isExecutable(path)) return path;
    const partial = `${path}.partial`;
    await goBuild(program, source, partial, onProgress);
    await chmod(partial, 0o755);
    await rename(partial, path);
  } finally {
    await release();
  }
  return path;
}

/** Everything that decides what a build gives: the module's own files and the compiler. */
async function keyOf(source: GoPackage, version: string): Promise<string> {
  const hash = createHash("sha256").update(version);
  const entries = await readdir(source.folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    hash.update(`\0${file.slice(source.folder.length)}\0`).update(await readFile(file));
  }
  return hash.digest("hex").slice(0, 20);
}

/** Holds a file that names this process, so that two runs do not build the same thing; a dead holder's is taken over. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      const file = await open(path, "wx");
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = Number(await readFile(path, "utf8").catch(() => ""));
    if (holder > 0 && !isAlive(holder)) await rm(path, { force: true });
    await sleep(500);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "gatehouse");
}

function assets(): string[] {
  const folder = process.env["KUBEBUILDER_ASSETS"];
  return folder === undefined || folder === "" ? [] : [folder];
}

function searchPath(): string[] {
  return (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
}

async function firstIn(folders: readonly string[], program: string): Promise<string | undefined> {
  for (const folder of folders) {
    if (await isExecutable(join(folder, program))) return join(folder, program);
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
