/** Manifests as people keep them: YAML or JSON of several documents, `List` kinds among them. */
import { isNode, LineCounter, parseAllDocuments, type Document } from "yaml";

/** One object of a manifest, and where it stands. */
export interface Manifest {
  /** As it was named; `-` for standard input. */
  file: string;
  /** Which document of the file, from 1. */
  document: number;
  /** Line on which the object begins, from 1. */
  line: number;
  object: unknown;
  /** Line of a field such as `spec.containers[0].image`; that of the nearest field around it where it has none. */
  lineOf(path: string): number;
}

/** What cannot be read, and where. */
export interface ManifestProblem {
  file: string;
  document: number;
  line: number;
  problem: string;
}

/** Reads a file's text. Empty documents count, but hold no object. Never throws. */
export function readManifests(
  text: string,
  file: string,
): { manifests: Manifest[]; problems: ManifestProblem[] } {
  const lines = new LineCounter();
  const manifests: Manifest[] = [];
  const problems: ManifestProblem[] = [];
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  // Without a document there is an empty value with properties of its own.
  for (const [index, document] of (Array.isArray(documents) ? documents : []).entries()) {
    const at = { file, document: index + 1 };
    const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
    for (const { message, pos } of [...document.errors, ...document.warnings])
      problems.push({ ...at, line: lineAt(pos[0]), problem: message });
    if (document.errors.length > 0) continue;
    const found = valueOf(document);
    if ("problem" in found) {
      problems.push({ ...at, line: lineAt(document.range[0]), problem: found.problem });
      continue;
    }
    if (found.value === null || found.value === undefined) continue;
    const lineOf = (path: readonly (string | number)[]) => lineAt(offsetOf(document, path));
    for (const { object, path } of itemsOf(found.value)) {
      if (typeof object !== "object" || object === null || Array.isArray(object)) {
        const problem = `expected an object with apiVersion and kind, got ${Array.isArray(object) ? "a list" : JSON.stringify(object)}`;
        problems.push({ ...at, line: lineOf(path), problem });
        continue;
      }
      manifests.push({
        ...at,
        line: lineOf(path),
        object,
        lineOf: (field) => lineOf([...path, ...stepsOf(field)]),
      });
    }
  }
  return { manifests, problems };
}

/** Aliases that would blow up beyond the library's bound are refused, not followed. */
function valueOf(document: Document): { value: unknown } | { problem: string } {
  try {
    // The JSON of it: nothing else ever reaches an API server.
    const text = JSON.stringify(document.toJS());
    return { value: text === undefined ? undefined : JSON.parse(text) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** What kubectl takes apart: `v1 List` and typed lists. */
function itemsOf(
  value: unknown,
  path: readonly (string | number)[] = [],
): { object: unknown; path: readonly (string | number)[] }[] {
  const { kind, items } = (typeof value === "object" && value !== null ? value : {}) as {
    kind?: unknown;
    items?: unknown;
  };
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items))
    return [{ object: value, path }];
  return items.flatMap((item, index) => itemsOf(item, [...path, "items", index]));
}

function stepsOf(field: string): (string | number)[] {
  return [...field.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) =>
    index === undefined ? (name ?? "") : Number(index),
  );
}

function offsetOf(document: Document.Parsed, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range[0] ?? document.range[0];
}
