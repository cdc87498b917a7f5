import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import type { Problem } from "@gatehouse/policy";
import type { GateArgs } from "./args.ts";
import { inputError } from "./errors.ts";
import { LARGEST_OBJECT } from "./limits.ts";
import type { Part } from "./names.ts";

/** One part of the gate, built. */
export interface Bundle {
  readonly part: Part;
  /** SHA-256 of the module's text, as 64 hexadecimal digits. */
  readonly sha256: string;
  /** The module, compressed with Brotli, in base64. */
  readonly packed: string;
  /** Bytes of the compressed module. */
  readonly packedSize: number;
}

/** The folder of the built parts: beside this package where it was published, else where `@gatehouse/webhook` builds. */
export function bundleDirectory(): string {
  const own = fileURLToPath(new URL("../bundles/", import.meta.url));
  return existsSync(own)
    ? own
    : fileURLToPath(new URL("../dist/", import.meta.resolve("@gatehouse/webhook")));
}

/** What a Gate is made of that must be built first. */
export interface Bundles {
  /** Undefined when the Gate's image holds it. */
  readonly judge: Bundle | undefined;
  /** Undefined also when it was not built. */
  readonly observer: Bundle | undefined;
}

/**
 * The built parts for a Gate.
 *
 * @throws ResourceError when the judge was not built, nor the observer though it is to send events, or one does not fit
 *   into a ConfigMap
 */
export function bundlesFor(gate: string, args: Pick<GateArgs, "image" | "bundles" | "eventSink">): Bundles {
  if (args.image?.bundles !== undefined) return { judge: undefined, observer: undefined };
  const directory = args.bundles ?? bundleDirectory();
  const problems: Problem[] = [];
  const checked = (part: Part) => {
    const bundle = readBundle(part, directory);
    // Without an observer the gate judges all the same; only impacts cannot be told.
    if (bundle === undefined && part === "judge")
      problems.push({
        path: "bundles",
        problem: `expected ${part}.mjs in ${directory}; build it with @gatehouse/webhook first`,
      });
    if (bundle === undefined && part === "observer" && args.eventSink !== undefined)
      problems.push({
        path: "eventSink",
        problem: `expected ${part}.mjs in ${directory}, which is what sends events; build it with @gatehouse/webhook first`,
      });
    if (bundle !== undefined && bundle.packedSize > LARGEST_OBJECT)
      problems.push({
        path: "bundles",
        problem: `expected ${part}.mjs to have at most ${LARGEST_OBJECT} bytes when compressed, which is what a ConfigMap holds, got ${bundle.packedSize}; put it into an image and name it in image.bundles`,
      });
    return bundle;
  };
  const bundles = { judge: checked("judge"), observer: checked("observer") };
  if (problems.length > 0) throw inputError(gate, problems);
  return bundles;
}

/**
 * Reads a built part; undefined when there is no such file.
 *
 * Brotli, because its encoder gives the same bytes on every machine, while the deflate of Node picks its matches by
 * processor: two people would then each see a diff of what the other deployed.
 */
export function readBundle(part: Part, directory: string): Bundle | undefined {
  let module: Buffer;
  try {
    module = readFileSync(`${directory.replace(/\/$/, "")}/${part}.mjs`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return bundleOf(part, module);
}

/** Packs a part's module. */
export function bundleOf(part: Part, module: Uint8Array): Bundle {
  const packed = brotliCompressSync(module, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: module.byteLength,
    },
  });
  return {
    part,
    sha256: createHash("sha256").update(module).digest("hex"),
    packed: packed.toString("base64"),
    packedSize: packed.byteLength,
  };
}
