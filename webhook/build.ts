/**
 * Bundles judge and observer into one file each: `node build.ts` from anywhere, or `node build.ts FILE` for the judge
 * alone. The bytes are the same wherever the checkout lies.
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Largest bundle: it must fit into a ConfigMap (1 MiB), uncompressed as well. */
export const bundleLimit = 700 * 1024;

/** A bundle on disk. */
export interface Bundle {
  /** Absolute path. */
  file: string;
  bytes: number;
  /** Of its content, as hexadecimal digits. */
  sha256: string;
}

const root = dirname(fileURLToPath(import.meta.url));

/**
 * Builds the judge.
 *
 * @param file where to. Default: `dist/judge.mjs` of this package
 * @throws Error when it would be larger than {@link bundleLimit}
 */
export function buildBundle(file?: string): Promise<Bundle> {
  return bundle("judge", file);
}

/**
 * Builds the observer.
 *
 * @param file where to. Default: `dist/observer.mjs` of this package
 * @throws Error when it would be larger than {@link bundleLimit}
 */
export function buildObserver(file?: string): Promise<Bundle> {
  return bundle("observer", file);
}

async function bundle(part: "judge" | "observer", file = join(root, "dist", `${part}.mjs`)): Promise<Bundle> {
  const result = await build({
    // Relative to the package, so that no path of the checkout gets into the bytes.
    absWorkingDir: root,
    entryPoints: [`src/${part}/main.ts`],
    outfile: `dist/${part}.mjs`,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node24",
    format: "esm",
    charset: "utf8",
    // Licences travel with the package, not with every copy of the bundle.
    legalComments: "none",
    write: false,
    logLevel: "warning",
    // CommonJS dependencies ask for Node's own modules with `require`.
    banner: {
      js: 'import{createRequire as gatehouseRequire}from"node:module";const require=gatehouseRequire(import.meta.url);',
    },
  });
  const content = result.outputFiles[0]?.contents;
  if (content === undefined) throw new Error("esbuild gave no output");
  if (content.length > bundleLimit) {
    throw new Error(
      `the bundle of the ${part} has ${content.length} bytes, at most ${bundleLimit} are allowed`,
    );
  }
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return { file, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
}

if (import.meta.main) {
  const [, , named] = process.argv;
  const bundles =
    named === undefined ? [await buildBundle(), await buildObserver()] : [await buildBundle(resolve(named))];
  for (const { file, bytes, sha256 } of bundles)
    process.stdout.write(`${file}: ${bytes} bytes, sha256 ${sha256}\n`);
}
