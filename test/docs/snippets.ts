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

/** The words of a command line as what they call: `npm run gatehouse -- X` and `gatehouse X` are the same. */
export function commandOf(line: string): string[] {
  return words(
    line
      .replace(/^\w+=\$\((.*)\)$/, "$1")
      .replace(/^(npm run (-s )?gatehouse --|npx gatehouse) /, "gatehouse ")
      .replace(/^npm run pulumi -- /, "pulumi "),
  );
}

/** A command line, and what a block shows that it prints. */
export interface Line {
  line: string;
  output: string;
}

/** The command lines of a block (`$ …`), each with the lines below it. */
export function dialogue(text: string): Line[] {
  const found: Line[] = [];
  for (const line of text.split("\n")) {
    const last = found.at(-1);
    if (line.startsWith("$ ")) found.push({ line: line.slice(2), output: "" });
    else if (last === undefined) throw new Error(`expected a command line first: ${line}`);
    else last.output += `${line}\n`;
  }
  return found.map(({ line, output }) => ({ line, output: output.trimEnd() }));
}

/**
 * What was printed, with what a document leaves out (`…` on a line of its own) left out: the document's own text when
 * it is true, else what was printed.
 */
export function elided(printed: string, shown: string): string {
  const parts = shown.split(/^…$/m).map((part) => part.replace(/^\n|\n$/g, ""));
  const whole = printed.trimEnd();
  let at = 0;
  for (const [index, part] of parts.entries()) {
    if (part === "") continue;
    const found = whole.indexOf(part, at);
    const end = found + part.length;
    const wholeLines =
      (found === 0 || whole[found - 1] === "\n") && (end === whole.length || whole[end] === "\n");
    const nothingBefore = index > 0 || found === 0;
    const nothingBehind = index < parts.length - 1 || end === whole.length;
    if (found < 0 || !wholeLines || !nothingBefore || !nothingBehind) return whole;
    at = end;
  }
  return shown;
}
