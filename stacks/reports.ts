import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { RunError } from "@pulumi/pulumi";
import { withCode } from "@gatehouse/policy";

/**
 * Reads a folder of scan reports, file name → text. Only the folder itself: a ConfigMap has no folders, so that one
 * inside is an error rather than left out without a word.
 *
 * @param path relative to `base`
 * @throws RunError when it cannot be read, is empty or holds folders
 */
export function readReports(path: string, base: string): Record<string, string> {
  const folder = resolve(base, path);
  const refuse = (problem: string) =>
    new RunError(withCode("GH2002", `reports: ${JSON.stringify(path)} ${problem}`));
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith("."));
  } catch (error) {
    throw refuse(
      `cannot be read (looked for ${folder}): ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  if (folders.length > 0)
    throw refuse(
      `holds folders (${folders.join(", ")}); put all reports into one folder, as a ConfigMap has none`,
    );
  if (entries.length === 0) throw refuse("holds no files; put at least one scan report into it");
  return Object.fromEntries(
    entries.map(({ name }): [string, string] => [name, readFileSync(resolve(folder, name), "utf8")]),
  );
}
