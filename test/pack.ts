/**
 * `pnpm build [FOLDER]`: what is published. Node refuses TypeScript under node_modules, so each package is compiled
 * and staged with exports that point to JavaScript and types, and packed into a tarball. The Gate carries the gate's
 * bundles.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildBundle, buildObserver } from "@gatehouse/webhook/build";
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

/** Folders of the packages that are published. */
export function published(): string[] {
  return readdirSync(join(root, "packages")).map((name) => `packages/${name}`);
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
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;
}

/** Compiles, stages and packs every package; returns the tarballs' paths. */
export async function pack(into: string): Promise<string[]> {
  rmSync(into, { recursive: true, force: true });
  await Promise.all([buildBundle(), buildObserver()]);
  const folders = published();
  const versions = Object.fromEntries(folders.map(manifestOf).map(({ name, version }) => [name, version]));
  return folders.map((folder) => {
    const manifest = manifestOf(folder);
    const stage = join(into, "staged", manifest.name);
    mkdirSync(stage, { recursive: true });
    compile(folder, join(stage, "dist"), manifest.name === withTesting ? [] : ["src/testing"]);
    for (const file of ["README.md", "schema.json"])
      if (existsSync(join(root, folder, file))) cpSync(join(root, folder, file), join(stage, file));
    cpSync(join(root, "LICENSE"), join(stage, "LICENSE"));
    if (manifest.name === "@gatehouse/gate")
      for (const part of ["judge.mjs", "observer.mjs"])
        cpSync(join(root, "webhook/dist", part), join(stage, "bundles", part));
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

function compile(folder: string, outDir: string, besides: readonly string[]): void {
  const config = join(root, folder, "tsconfig.pack.json");
  writeFileSync(
    config,
    JSON.stringify({
      extends: "./tsconfig.json",
      compilerOptions: { noEmit: false, declaration: true, rootDir: "src", outDir },
      include: ["src"],
      exclude: ["**/*.test.ts", "**/fixtures/**", ...besides],
    }),
  );
  try {
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", config], { cwd: root, stdio: "inherit" });
  } finally {
    rmSync(config);
  }
}

if (import.meta.main)
  for (const tarball of await pack(process.argv[2] ?? join(root, "dist"))) console.log(tarball);
