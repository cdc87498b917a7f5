import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { InvalidInputError, parsePolicy } from "@gatehouse/policy";
import type { Policy } from "@gatehouse/policy";

/** A policy read from a file, and all files that it was made of. */
export interface LoadedPolicy {
  policy: Policy;
  /** Absolute paths of the file and of what it imports outside node_modules: watch these to reload. */
  files: readonly string[];
}

let generation = 0;

/**
 * Loads a policy from a TypeScript or JavaScript module (its default export) or a JSON file, afresh each time.
 * A module anywhere on disk may import `@gatehouse/policy`: where it is not installed beside the module, this
 * command's own copy serves.
 *
 * @throws InvalidInputError that names the file and lists all that is wrong
 */
export async function loadPolicy(file: string): Promise<LoadedPolicy> {
  if (!existsSync(file))
    throw new InvalidInputError("GH3002", file, [
      { path: "", problem: "there is no such file; name a policy with --policy FILE" },
    ]);
  const { value, files } = await importFresh(file);
  const parsed = parsePolicy(value);
  if (!parsed.ok) throw new InvalidInputError("GH3004", file, parsed.problems);
  return { policy: parsed.policy, files };
}

async function importFresh(file: string): Promise<{ value: unknown; files: string[] }> {
  const mark = `gatehouse=${(generation += 1)}`;
  const files = new Set<string>();
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const resolved = resolveOurs(specifier, () => next(specifier, context));
      // Only what the policy reaches by path is its own; packages stay as they are loaded.
      const fresh = context.parentURL?.includes(mark) === true && /^(\.|\/|file:)/.test(specifier);
      return fresh ? { ...resolved, url: marked(resolved.url, mark) } : resolved;
    },
    load(url, context, next) {
      if (url.includes(mark)) files.add(fileURLToPath(unmarked(url)));
      return next(url, context);
    },
  });
  try {
    const json = file.endsWith(".json");
    const module = (await import(
      marked(pathToFileURL(file).href, mark),
      json ? { with: { type: "json" } } : {}
    )) as { default?: unknown };
    if (module.default === undefined)
      throw new InvalidInputError("GH3004", file, [
        {
          path: "",
          problem: "expected a default export; write: export default definePolicy({ rules: { … } })",
        },
      ]);
    return { value: module.default, files: [...files] };
  } catch (error) {
    // The builders do not know in which file they stand.
    if (error instanceof InvalidInputError)
      throw new InvalidInputError(error.code, file, error.problems, { cause: error });
    throw new InvalidInputError(
      "GH3004",
      file,
      [{ path: "", problem: error instanceof Error ? error.message : String(error) }],
      {
        cause: error,
      },
    );
  } finally {
    hooks.deregister();
  }
}

function resolveOurs<T extends { url: string }>(specifier: string, next: () => T): T {
  try {
    return next();
  } catch (error) {
    if (!/^@gatehouse\/policy(\/|$)/.test(specifier)) throw error;
    return { url: import.meta.resolve(specifier), shortCircuit: true } as unknown as T;
  }
}

const marked = (url: string, mark: string) => `${url}${url.includes("?") ? "&" : "?"}${mark}`;
const unmarked = (url: string) => url.split("?")[0] ?? url;
