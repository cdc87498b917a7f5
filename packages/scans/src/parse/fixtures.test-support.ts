/** Sample documents, written for these tests in the shapes of several versions of each scanner. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "fixtures");

/** Names of all samples. */
export const fixtureNames = readdirSync(folder).sort();

/** The text of a sample. */
export function fixture(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}
