/**
 * `pnpm build [FOLDER]`: what is published. Node refuses TypeScript under node_modules, so each package is compiled
 * and staged with exports that point to JavaScript and types, and packed into a tarball. The Gate carries the gate's
 * bundles.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as build from "@gatehouse/webhook/build";
import { root } from "./steps.ts";

interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  exports?: Record<string, string>;
  bin?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  [field: string]: unknown;
}

/** What is packed, where that is not all of this tree. */
export interface PackOptions {
  /** Root of the tree whose packages these are, its dependencies installed. @default this one */
  readonly from?: string;
  /** Folders under `packages`. @default all */
  readonly only?: readonly string[];
  /** Whether types are checked on the way. @default true */
  readonly check?: boolean;
}

/** What others may test their policies with. Fakes of the other packages are ours, on dependencies for development. */
const withTesting = "@gatehouse/policy";
const isTesting = (name: string) => name === "./testing" || name.startsWith("./testing/");

const compiled = (path: string) => path.replace(/^\.\/src\/(.*)\.ts$/, "./dist/$1.js");

function exportOf(path: string): string | { types: string; default: string } {
  const target = compiled(path);
  return target === path ? path : { types: target.replace(/\.js$/, ".d.ts"), default: target };
}

/** The manifest as published: compiled exports, exact versions of its siblings, nothing for development. */
export function publishedManifest(manifest: Manifest, versions: Readonly<Record<string, string>>): Manifest {
  const { devDependencies: _, private: __, ...rest } = manifest;
  return {
    ...rest,
    exports: Object.fromEntries(
      Object.entries(manifest.exports ?? {})
        .filter(([name]) => manifest.name === withTesting || !isTesting(name))
        .map(([name, path]) => [name, exportOf(path)]),
    ) as Record<string, string>,
    ...(manifest.bin === undefined
      ? {}
      : {
          bin: Object.fromEntries(Object.entries(manifest.bin).map(([name, path]) => [name, compiled(path)])),
        }),
    dependencies: Object.fromEntries(
      Object.entries(manifest.dependencies ?? {}).map(([name, range]) => [
        name,
        range.startsWith("workspace:") ? (versions[name] ?? range) : range,
      ]),
    ),
  };
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Builds the gate's parts as that tree builds them. */
async function buildParts(from: string): Promise<void> {
  const module = pathToFileURL(join(from, "webhook/build.ts")).href;
  const { buildBundle, buildObserver } = (await import(module)) as typeof build;
  await Promise.all([buildBundle(), buildObserver()]);
}

/** Compiles, stages and packs packages; returns the tarballs' paths. */
export async function pack(
  into: string,
  { from = root, only, check = true }: PackOptions = {},
): Promise<string[]> {
  rmSync(into, { recursive: true, force: true });
  await buildParts(from);
  const all = readdirSync(join(from, "packages"));
  const folderOf = (name: string) => join(from, "packages", name);
  const versions = Object.fromEntries(
    all.map((name) => manifestOf(folderOf(name))).map(({ name, version }) => [name, version]),
  );
  return (only ?? all).map(folderOf).map((folder) => {
    const manifest = manifestOf(folder);
    const stage = join(into, "staged", manifest.name);
    mkdirSync(stage, { recursive: true });
    compile(from, folder, join(stage, "dist"), manifest.name === withTesting ? [] : ["src/testing"], check);
    for (const file of ["README.md", "schema.json"])
      if (existsSync(join(folder, file))) cpSync(join(folder, file), join(stage, file));
    cpSync(join(from, "LICENSE"), join(stage, "LICENSE"));
    if (manifest.name === "@gatehouse/gate")
      for (const part of ["judge.mjs", "observer.mjs"])
        cpSync(join(from, "webhook/dist", part), join(stage, "bundles", part));
    writeFileSync(
      join(stage, "package.json"),
      `${JSON.stringify(publishedManifest(manifest, versions), null, 2)}\n`,
    );
    const output = execFileSync("npm", ["pack", "--silent", "--pack-destination", into], {
      cwd: stage,
      encoding: "utf8",
    });
    return join(into, output.trim().split("\n").at(-1) ?? "");
  });
}

function compile(
  from: string,
  folder: string,
  outDir: string,
  besides: readonly string[],
  check: boolean,
): void {
  const config = join(folder, "tsconfig.pack.json");
  writeFileSync(
    config,
    JSON.stringify({
      extends: "./tsconfig.json",
      compilerOptions: { noEmit: false, noCheck: !check, declaration: true, rootDir: "src", outDir },
      include: ["src"],
      exclude: ["**/*.test.ts", "**/fixtures/**", ...besides],
    }),
  );
  try {
    execFileSync(join(from, "node_modules/.bin/tsc"), ["-p", config], { cwd: from, stdio: "inherit" });
  } finally {
    rmSync(config);
  }
}

if (import.meta.main)
  for (const tarball of await pack(process.argv[2] ?? join(root, "dist"))) console.log(tarball);
