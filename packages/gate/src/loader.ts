/** Something that the loader checks before it starts the bundle. */
export interface CheckedFile {
  /** What to call it in an error. */
  readonly what: string;
  readonly path: string;
  /** SHA-256 of its content, after decompression for a `.br` file, as 64 hexadecimal digits. */
  readonly sha256: string;
}

/** What the loader is told, as JSON in its first argument. */
export interface LoaderPlan {
  /** Brotli-compressed ES module; absent when the image holds the module, whose digest vouches for it. */
  readonly bundle?: CheckedFile;
  /** Checked, then left to the bundle to read. */
  readonly files: readonly CheckedFile[];
  /** Where the decompressed module is written, as `NAME.mjs`; without `bundle`, where it already is. */
  readonly module: string;
}

/**
 * The program that runs before the bundle does: it compares the SHA-256 of the bundle, the policy and the config with
 * those in the Pod template, all of them before any of their content is used, and says in one message which differ.
 *
 * It is handed to `node --eval`, so that nothing but the Pod template and the image has to be trusted. The module is
 * written to the Pod's scratch folder and imported from there, rather than from a `data:` URL, whose stack traces
 * would hold the whole bundle. `process.argv` is then what it would be had Node run that file.
 *
 * Plain JavaScript with built-in modules only. It uses no text that a shell or Kubernetes would expand: no `$(`.
 */
export const loaderScript = `
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliDecompressSync } from "node:zlib";

const plan = JSON.parse(process.argv[1]);
const problems = [];
function checked(file, unpack) {
  let content;
  try {
    content = unpack(readFileSync(file.path));
  } catch (error) {
    problems.push(file.what + " (" + file.path + ") cannot be read: " + error.message);
    return undefined;
  }
  const actual = createHash("sha256").update(content).digest("hex");
  if (actual !== file.sha256)
    problems.push(file.what + " (" + file.path + ") is not what was deployed: expected SHA-256 " + file.sha256 + ", got " + actual);
  return content;
}
const code = plan.bundle && checked(plan.bundle, (packed) => brotliDecompressSync(packed, { maxOutputLength: 64 * 1024 * 1024 }));
for (const file of plan.files) checked(file, (content) => content);
if (problems.length > 0) {
  console.error("The gate does not start [GH1111]:\\n  " + problems.join("\\n  ") + "\\nSomeone changed it in the cluster. Run pulumi refresh and pulumi up to put it back.");
  process.exit(78);
}
if (code !== undefined) {
  mkdirSync(dirname(plan.module), { recursive: true });
  writeFileSync(plan.module, code, { mode: 0o600 });
}
process.argv.splice(1, 1, plan.module);
await import(pathToFileURL(plan.module).href);
`.trim();

/** Arguments for `node` that run the loader, which passes the bundle's own on. */
export function loaderArguments(plan: LoaderPlan, bundleArguments: readonly string[]): string[] {
  return ["--input-type=module", "--eval", loaderScript, "--", JSON.stringify(plan), ...bundleArguments];
}
