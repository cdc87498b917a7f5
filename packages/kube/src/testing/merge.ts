/** A JSON object. */
export type Json = Record<string, unknown>;

/** True for a JSON object, not an array. */
export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON merge patch (RFC 7386). */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isJson(patch)) return patch;
  const result: Json = isJson(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

function unescape(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** JSON patch (RFC 6902) without move and copy, which nothing here sends. Throws when an operation does not apply. */
export function jsonPatch(target: unknown, operations: readonly unknown[]): unknown {
  const root: unknown = structuredClone(target);
  for (const operation of operations) {
    if (!isJson(operation) || typeof operation["path"] !== "string")
      throw new Error("an operation needs a path");
    const parts = operation["path"].split("/").slice(1).map(unescape);
    const last = parts.pop();
    let parent: unknown = root;
    for (const part of parts)
      parent = typeof parent === "object" && parent ? Reflect.get(parent, part) : undefined;
    if (last === undefined || typeof parent !== "object" || parent === null) {
      throw new Error(`the path ${operation["path"]} does not exist`);
    }
    const at = Array.isArray(parent) ? (last === "-" ? parent.length : Number(last)) : last;
    const there = Reflect.has(parent, at);
    if (operation["op"] !== "add" && !there) throw new Error(`the path ${operation["path"]} does not exist`);
    switch (operation["op"]) {
      case "test":
        if (JSON.stringify(Reflect.get(parent, at)) !== JSON.stringify(operation["value"])) {
          throw new Error(`testing ${operation["path"]} failed`);
        }
        break;
      case "add":
        if (Array.isArray(parent)) parent.splice(Number(at), 0, operation["value"]);
        else Reflect.set(parent, at, operation["value"]);
        break;
      case "replace":
        Reflect.set(parent, at, operation["value"]);
        break;
      case "remove":
        if (Array.isArray(parent)) parent.splice(Number(at), 1);
        else Reflect.deleteProperty(parent, at);
        break;
      default:
        throw new Error(`operation ${String(operation["op"])} is not supported by this fake`);
    }
  }
  return root;
}

/** Which manager owns which fields of one object; a field is the JSON of its path. */
export type FieldOwners = ReadonlyMap<string, ReadonlySet<string>>;

const UNOWNED = new Set(["apiVersion", "kind", "status"]);
const UNOWNED_METADATA = new Set([
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "managedFields",
]);

/** The fields of an object that can have an owner. Lists count whole. */
export function fieldsOf(value: Json, path: readonly string[] = []): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [key, child] of Object.entries(value)) {
    if (path.length === 0 && UNOWNED.has(key)) continue;
    if (path.length === 1 && path[0] === "metadata" && UNOWNED_METADATA.has(key)) continue;
    const at = [...path, key];
    if (isJson(child) && Object.keys(child).length > 0) {
      for (const [field, leaf] of fieldsOf(child, at)) fields.set(field, leaf);
    } else {
      fields.set(JSON.stringify(at), child);
    }
  }
  return fields;
}

function removeField(target: Json, field: string): void {
  const path = JSON.parse(field) as string[];
  const last = path.pop();
  let parent: unknown = target;
  for (const part of path) parent = isJson(parent) ? parent[part] : undefined;
  if (isJson(parent) && last !== undefined) delete parent[last];
}

/** Ownership after a write that was not an apply: who wrote a changed field owns it alone. */
export function ownersAfterWrite(
  owners: FieldOwners,
  before: Json,
  after: Json,
  manager: string,
): FieldOwners {
  const old = fieldsOf(before);
  const next = fieldsOf(after);
  const changed = [...next].filter(
    ([field, value]) => JSON.stringify(old.get(field)) !== JSON.stringify(value),
  );
  const mine = new Set(changed.map(([field]) => field));
  const result = new Map<string, Set<string>>();
  for (const [name, fields] of owners) {
    result.set(name, new Set([...fields].filter((field) => next.has(field) && !mine.has(field))));
  }
  result.set(manager, new Set([...(result.get(manager) ?? []), ...mine]));
  return result;
}

/** What a server-side apply comes to. */
export type Applied =
  | { readonly object: Json; readonly owners: FieldOwners }
  | { readonly conflicts: readonly string[] };

/** Server-side apply with lists taken whole (the real one merges some lists by key). */
export function applyFields(
  existing: Json,
  manifest: Json,
  owners: FieldOwners,
  manager: string,
  force: boolean,
): Applied {
  const wanted = fieldsOf(manifest);
  const now = fieldsOf(existing);
  const ownedByOthers = (field: string): string | undefined =>
    [...owners].find(([name, fields]) => name !== manager && fields.has(field))?.[0];
  const conflicts = [...wanted].flatMap(([field, value]) => {
    const other = ownedByOthers(field);
    const same = JSON.stringify(now.get(field)) === JSON.stringify(value);
    return other === undefined || same
      ? []
      : [`conflict with "${other}": ${(JSON.parse(field) as string[]).join(".")}`];
  });
  if (conflicts.length > 0 && !force) return { conflicts };
  const object = structuredClone(existing);
  for (const field of owners.get(manager) ?? []) {
    if (!wanted.has(field) && ownedByOthers(field) === undefined) removeField(object, field);
  }
  const result = new Map<string, ReadonlySet<string>>();
  for (const [name, fields] of owners) {
    const lost = (field: string): boolean =>
      wanted.has(field) && JSON.stringify(now.get(field)) !== JSON.stringify(wanted.get(field));
    result.set(name, new Set([...fields].filter((field) => !lost(field))));
  }
  result.set(manager, new Set(wanted.keys()));
  return { object: mergePatch(object, manifest) as Json, owners: result };
}
