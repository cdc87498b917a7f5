import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { RunError } from "@pulumi/pulumi";
import { filesDirectory, type GateArgs } from "@gatehouse/gate";
import { withCode } from "@gatehouse/policy";

/** The folder's and the file's name inside the gate. */
const folder = "feed";
const name = "feed.json";

/**
 * Reads the exploit feed that `gatehouse feed` wrote, for a Gate: the file itself, and where it will be.
 *
 * @param path relative to `base`
 * @throws RunError when it cannot be read
 */
export function readFeed(path: string, base: string): Required<Pick<GateArgs, "exploitFeed" | "files">> {
  const file = resolve(base, path);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
    JSON.parse(text);
  } catch (error) {
    throw new RunError(
      withCode(
        "GH2002",
        `exploitFeed: ${JSON.stringify(path)} cannot be read (looked for ${file}): ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
  }
  return {
    exploitFeed: { file: `${filesDirectory(folder)}/${name}` },
    files: { [folder]: { [name]: text } },
  };
}
