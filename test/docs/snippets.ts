import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../steps.ts";
import { documents, fences, type Fence } from "./markdown.ts";

/** A block of a document. */
export interface Snippet extends Fence {
  /** `docs/enable.md:12`, for messages. */
  at: string;
  /** A file name made of it. */
  name: string;
}

/** All blocks in these languages. */
export function snippets(...languages: readonly string[]): Snippet[] {
  return documents().flatMap(({ path, text }) =>
    fences(text)
      .filter(({ language }) => languages.includes(language))
      .map((fence) => ({
        ...fence,
        at: `${path}:${fence.line}`,
        name: `${path.replace(/\.md$/, "").replace(/[^A-Za-z0-9]+/g, "-")}-${fence.line}`,
      })),
  );
}

const run = promisify(execFile);

/** How a program ended, and what it printed. */
export interface Ended {
  status: number;
  output: string;
}

/** Runs a program; a status other than 0 is no error. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(command, args, { cwd, env, maxBuffer: 16 * 1024 * 1024 });
    return { status: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== "number") throw error;
    return { status: code, output: stdout + stderr };
  }
}

/** A folder among the tests, so that packages are found from it as from any of their files. */
export interface Workshop {
  folder: string;
  write(name: string, text: string): Promise<string>;
  close(): Promise<void>;
}

/** Opens a folder whose name begins with a dot: no type check, formatter or test of the project looks into it. */
export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp(join(root, "test/docs/.snippets-"));
  return {
    folder,
    async write(name, text) {
      const file = join(folder, name);
      await mkdir(join(file, ".."), { recursive: true });
      await writeFile(file, text);
      return file;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The words of a shell line: quotes hold them together, a pipe or redirection ends them. */
export function words(line: string): string[] {
  const found: string[] = [];
  for (const [, double, single, plain] of line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)) {
    if (plain !== undefined && /^(\||>|<|&&|;|#|\\$)/.test(plain)) break;
    found.push(double ?? single ?? plain ?? "");
  }
  return found;
}

/** Lines of a shell block, continued ones joined, without comments. */
export function shellLines(text: string): string[] {
  return text
    .replace(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
