import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../steps.ts";

/** A fenced block of a document. */
export interface Fence {
  /** What stands behind the fence: `ts`, `yaml`, … Empty when nothing does. */
  language: string;
  text: string;
  /** Line of the block's first line, from 1. */
  line: number;
}

/** A document that people read. */
export interface Document {
  /** Relative to the project's root. */
  path: string;
  text: string;
}

/** Everything in docs, the READMEs of the project and its packages, and what stands beside them for who works on it. */
export function documents(): Document[] {
  const inDocs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => `docs/${path}`);
  const readmes = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "AGENTS.md",
    "webhook/README.md",
    ...readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`),
  ].filter((path) => existsSync(join(root, path)));
  return [...inDocs, ...readmes]
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** The fenced blocks of a document. Those indented, in lists, lose their indentation. */
export function fences(text: string): Fence[] {
  const found: Fence[] = [];
  let open: { language: string; mark: string; indent: number; lines: string[]; line: number } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^( *)(`{3,})(.*)$/.exec(line);
    if (open === undefined) {
      if (fence)
        open = {
          language: fence[3]?.trim().split(/\s/)[0] ?? "",
          mark: fence[2] ?? "",
          indent: fence[1]?.length ?? 0,
          lines: [],
          line: index + 2,
        };
    } else if (fence && fence[2] === open.mark && fence[3]?.trim() === "") {
      found.push({ language: open.language, text: open.lines.join("\n"), line: open.line });
      open = undefined;
    } else open.lines.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)));
  }
  if (open !== undefined) throw new Error(`a fenced block is never closed: line ${open.line - 1}`);
  return found;
}

/** A document without its fenced blocks and inline code: what links and headings are read from. */
export function prose(text: string): string {
  let mark: string | undefined;
  return text
    .split("\n")
    .map((line) => {
      const fence = /^ *(`{3,})/.exec(line)?.[1];
      if (mark === undefined && fence !== undefined) mark = fence;
      else if (mark !== undefined && fence === mark) mark = undefined;
      else if (mark === undefined) return line;
      return "";
    })
    .join("\n");
}

/** Fragments that links may name: headings as GitHub names them, and explicit `id`s. */
export function anchors(text: string): Set<string> {
  const found = new Set<string>();
  const seen = new Map<string, number>();
  for (const line of prose(text).split("\n")) {
    for (const [, id] of line.matchAll(/<a id="([^"]+)">/g)) found.add(id ?? "");
    const heading = /^#{1,6} (.*)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-");
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    found.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return found;
}

/** A link to a file of the project, or within the document. */
export interface Link {
  /** As written, without the fragment; empty within the document. */
  target: string;
  fragment: string | undefined;
  line: number;
}

/** The links of a document that lead nowhere outside. */
export function links(text: string): Link[] {
  return prose(text)
    .split("\n")
    .flatMap((line, index) =>
      [...line.replace(/`[^`]*`/g, (code) => " ".repeat(code.length)).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, link]) => link ?? "")
        .filter((link) => !/^[a-z][a-z0-9+.-]*:/i.test(link))
        .map((link) => {
          const [target = "", fragment] = link.split("#");
          return { target, fragment, line: index + 1 };
        }),
    );
}
