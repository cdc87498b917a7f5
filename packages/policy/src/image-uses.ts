import { apiVersionOf, imageLists, judgedKind, judgedKinds, type JudgedKind } from "./judged-kinds.ts";
import type { Problem } from "./problems.ts";
import type { ImageUse } from "./subject.ts";

/** The images that an object names, or why they cannot be told. */
export type ImageUses =
  | { ok: true; images: readonly ImageUse[] }
  /** The images cannot be told: never to be read as "no images". */
  | { ok: false; problems: readonly Problem[] };

type Fields = Readonly<Record<string, unknown>>;

/**
 * Every image that an object of a judged kind names: containers, init and ephemeral containers, image volumes.
 *
 * An image that is missing or empty is listed with the reference `""` (Kubernetes lets templates leave it to a later
 * webhook), which no parser accepts. Lists that are absent or null are empty, as the API server writes them. Anything
 * else that it would not send, the metadata that `podNamePrefix` and `templateLabels` read included, is a problem: an
 * object that cannot be read has unknown images, not fewer.
 */
export function imageUses(object: unknown): ImageUses {
  const problems: Problem[] = [];
  const kind = kindOf(object, problems);
  if (kind === undefined) return { ok: false, problems };
  checkMetadata(field(object, "metadata"), "metadata", problems);
  const template = kind.podSpec.slice(0, -1);
  if (template.length > 0)
    checkMetadata(field(walk(object, template), "metadata"), `${template.join(".")}.metadata`, problems);
  const spec = walk(object, kind.podSpec, problems);
  const images =
    spec === undefined
      ? []
      : imageLists.flatMap((list) =>
          usesOfList(spec, list, `${kind.podSpec.join(".")}.${list.list}`, problems),
        );
  return problems.length === 0 ? { ok: true, images } : { ok: false, problems };
}

/**
 * The images of `newObject` that `oldObject` lacks, list by list: an image string is new when the old object's list of
 * the same kind (containers, initContainers, ephemeralContainers, volumes) does not hold the very same string. Where
 * in the list it stands does not matter, so that reordering is no change, while moving an image from containers to
 * initContainers is one. A match condition in CEL says the same with
 * `new.containers.exists(c, !old.containers.exists(o, o.image == c.image))` for each list.
 *
 * Without an old object (null or undefined, as on CREATE) every image is new.
 */
export function addedImages(newObject: unknown, oldObject: unknown): ImageUses {
  const now = imageUses(newObject);
  if (!now.ok || oldObject === null || oldObject === undefined) return now;
  const before = imageUses(oldObject);
  if (!before.ok) return { ok: false, problems: before.problems.map(inOldObject) };
  const had = new Set(before.images.map(pair));
  return { ok: true, images: now.images.filter((use) => !had.has(pair(use))) };
}

/** The Pod spec of an object of a judged kind; undefined when it has none that can be read. */
export function podSpecOf(object: unknown): Fields | undefined {
  const kind = kindOf(object, []);
  return kind && walk(object, kind.podSpec);
}

/** Labels that the object's Pods have or will have: a Pod's own, else its template's. For an object that `imageUses` reads. */
export function templateLabels(object: unknown): Readonly<Record<string, string>> {
  const kind = kindOf(object, []);
  if (kind === undefined) return {};
  const labels = walk(object, [...kind.podSpec.slice(0, -1), "metadata", "labels"]);
  return (labels ?? {}) as Readonly<Record<string, string>>;
}

/**
 * The name that the object's Pods have, or how their names begin: a Pod's name or generateName; for an owner its own
 * name and a dash, as its controller builds them, or its generateName while it has no name. For an object that
 * `imageUses` reads; empty when there is neither.
 */
export function podNamePrefix(object: unknown): string {
  const metadata = field(object, "metadata");
  const name = field(metadata, "name");
  const generateName = field(metadata, "generateName");
  const prefix = typeof generateName === "string" ? generateName : "";
  if (typeof name !== "string" || name === "") return prefix;
  return field(object, "kind") === "Pod" ? name : `${name}-`;
}

function usesOfList(
  spec: unknown,
  list: (typeof imageLists)[number],
  path: string,
  problems: Problem[],
): ImageUse[] {
  const entries = field(spec, list.list) ?? [];
  if (!Array.isArray(entries)) {
    problems.push(expected(path, "an array", entries));
    return [];
  }
  // By index: neither holes nor an iterator of the array's own can hide an entry.
  const all = Array.from({ length: entries.length }, (_, index): unknown => entries[index]);
  return all.flatMap((entry, index) => useOf(entry, list, `${path}[${index}]`, problems));
}

function useOf(
  entry: unknown,
  list: (typeof imageLists)[number],
  path: string,
  problems: Problem[],
): ImageUse[] {
  if (!isFields(entry)) {
    problems.push(expected(path, "an object", entry));
    return [];
  }
  const name = textAt(entry, "name", path, problems);
  if (list.kind !== "imageVolume")
    return [
      { path: `${path}.image`, reference: textAt(entry, "image", path, problems), name, kind: list.kind },
    ];
  const image = field(entry, "image") ?? undefined;
  // A volume of another kind.
  if (image === undefined) return [];
  if (!isFields(image)) {
    problems.push(expected(`${path}.image`, "an object", image));
    return [];
  }
  const reference = textAt(image, "reference", `${path}.image`, problems);
  return [{ path: `${path}.image.reference`, reference, name, kind: list.kind }];
}

function kindOf(object: unknown, problems: Problem[]): JudgedKind | undefined {
  if (!isFields(object)) {
    problems.push(expected("", "an object", object));
    return undefined;
  }
  const apiVersion = field(object, "apiVersion");
  const kind = field(object, "kind");
  const found = judgedKind(apiVersion, kind);
  if (found) return found;
  const sameKind = judgedKinds.find((one) => one.kind === kind);
  problems.push(
    sameKind
      ? expected("apiVersion", JSON.stringify(apiVersionOf(sameKind)), apiVersion)
      : expected("kind", `one of ${judgedKinds.map((one) => one.kind).join(", ")}`, kind),
  );
  return undefined;
}

/** Follows field names to an object; a problem, where they are asked for, when one of them holds none. */
function walk(object: unknown, names: readonly string[], problems?: Problem[]): Fields | undefined {
  let value = object;
  for (const [index, name] of names.entries()) {
    value = field(value, name);
    if (!isFields(value)) {
      problems?.push(expected(names.slice(0, index + 1).join("."), "an object", value));
      return undefined;
    }
  }
  return isFields(value) ? value : undefined;
}

function checkMetadata(metadata: unknown, path: string, problems: Problem[]): void {
  if (metadata === undefined || metadata === null) return;
  if (!isFields(metadata)) {
    problems.push(expected(path, "an object", metadata));
    return;
  }
  textAt(metadata, "name", path, problems);
  textAt(metadata, "generateName", path, problems);
  const labels = field(metadata, "labels") ?? {};
  if (!isFields(labels)) {
    problems.push(expected(`${path}.labels`, "an object", labels));
    return;
  }
  for (const [key, value] of Object.entries(labels))
    if (typeof value !== "string")
      problems.push(expected(`${path}.labels[${quote(key)}]`, "a string", value));
}

/** A string field; empty when it is absent or null. */
function textAt(fields: unknown, name: string, path: string, problems: Problem[]): string {
  const value = field(fields, name) ?? "";
  if (typeof value === "string") return value;
  problems.push(expected(`${path}.${name}`, "a string", value));
  return "";
}

/** Own fields only: nothing that a prototype adds or hides counts. */
function field(fields: unknown, name: string): unknown {
  return typeof fields === "object" && fields !== null && Object.hasOwn(fields, name)
    ? (fields as Fields)[name]
    : undefined;
}

/** An object as a JSON parser makes it. One with another prototype might hold fields that `field` would not see. */
function isFields(value: unknown): value is Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function expected(path: string, wanted: string, value: unknown): Problem {
  return { path, problem: `expected ${wanted}, got ${describe(value)}` };
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" || typeof value === "boolean") return `${value}`;
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return isFields(value) ? "an object" : "an object of a class";
  return `a ${typeof value}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function inOldObject({ path, problem }: Problem): Problem {
  return { path, problem: `in the old object, ${problem}` };
}

function pair(use: ImageUse): string {
  return `${use.kind} ${use.reference}`;
}
