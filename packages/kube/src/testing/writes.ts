import { randomBytes } from "node:crypto";
import type { KubeObject } from "../objects.ts";
import { apiVersionOf, type Resource } from "../resources.ts";
import { Refusal } from "./answers.ts";
import {
  applyFields,
  isJson,
  jsonPatch,
  mergePatch,
  ownersAfterWrite,
  type FieldOwners,
  type Json,
} from "./merge.ts";
import type { Route } from "./route.ts";
import type { Store } from "./store.ts";

/** A write as the admission chain sees it. */
export interface Admission {
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  readonly resource: Resource;
  readonly subresource: string | undefined;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
  readonly dryRun: boolean;
}

/** Says why a write is denied, or nothing. */
export type Admit = (admission: Admission) => string | undefined | Promise<string | undefined>;

/** What the writes need. */
export interface WriteContext {
  readonly store: Store;
  readonly admit: Admit;
  readonly now: () => number;
}

function nameOf(route: Route): string {
  return `${route.resource.plural}${route.resource.group && `.${route.resource.group}`}`;
}

/** The 404 of an object. */
export function notFound(route: Route, name: string | undefined): Refusal {
  return new Refusal(404, "NotFound", `${nameOf(route)} "${name}" not found`);
}

function conflict(route: Route, name: string, why: string): Refusal {
  return new Refusal(409, "Conflict", `Operation cannot be fulfilled on ${nameOf(route)} "${name}": ${why}`);
}

function checked(route: Route, body: unknown): Json & { metadata: Json } {
  const { resource } = route;
  if (!isJson(body) || !isJson(body["metadata"]))
    throw new Refusal(400, "BadRequest", "the object has no metadata");
  if (body["apiVersion"] !== apiVersionOf(resource) || body["kind"] !== resource.kind) {
    throw new Refusal(400, "BadRequest", `the object is no ${apiVersionOf(resource)} ${resource.kind}`);
  }
  const { namespace } = body["metadata"];
  if (namespace !== undefined && namespace !== route.namespace) {
    throw new Refusal(400, "BadRequest", "the namespace of the object does not match the request");
  }
  return body as Json & { metadata: Json };
}

async function admitted(context: WriteContext, admission: Admission): Promise<void> {
  const why = await context.admit(admission);
  if (why !== undefined) {
    throw new Refusal(400, "BadRequest", `admission webhook "test" denied the request: ${why}`);
  }
}

/** POST to a collection. */
export async function create(
  context: WriteContext,
  route: Route,
  body: unknown,
  query: URLSearchParams,
): Promise<KubeObject> {
  const object = checked(route, body);
  const prefix = object.metadata["generateName"];
  const name =
    object.metadata["name"] ??
    (typeof prefix === "string" ? `${prefix}${randomBytes(3).toString("hex").slice(1)}` : "");
  if (typeof name !== "string" || name === "") {
    throw new Refusal(
      422,
      "Invalid",
      `${route.resource.kind} is invalid: metadata.name: name or generateName is required`,
    );
  }
  if (object.metadata["resourceVersion"] !== undefined) {
    throw new Refusal(400, "BadRequest", "resourceVersion should not be set on objects to be created");
  }
  if (context.store.find(route.resource, route.namespace, name)) {
    throw new Refusal(409, "AlreadyExists", `${nameOf(route)} "${name}" already exists`);
  }
  return save(context, route, { ...object, metadata: { ...object.metadata, name } }, undefined, query);
}

async function save(
  context: WriteContext,
  route: Route,
  object: Json & { metadata: Json },
  old: { object: KubeObject; owners: FieldOwners } | undefined,
  query: URLSearchParams,
  owners?: FieldOwners,
): Promise<KubeObject> {
  const named = {
    ...object,
    metadata: {
      ...object.metadata,
      ...(route.namespace === undefined ? {} : { namespace: route.namespace }),
    },
  } as unknown as KubeObject;
  const dryRun = query.get("dryRun") === "All";
  await admitted(context, {
    operation: old ? "UPDATE" : "CREATE",
    resource: route.resource,
    subresource: route.subresource,
    object: named,
    oldObject: old?.object,
    dryRun,
  });
  const before = (old?.object ?? {}) as unknown as Json;
  const manager = query.get("fieldManager") ?? "unknown";
  const next =
    owners ?? ownersAfterWrite(old?.owners ?? new Map(), before, named as unknown as Json, manager);
  const written = context.store.write(route.resource, named, next, dryRun);
  const { deletionTimestamp, finalizers } = written.metadata;
  if (!dryRun && deletionTimestamp !== undefined && !finalizers?.length)
    context.store.remove(route.resource, written);
  return written;
}

/** PUT, and the end of every patch. */
export async function replace(
  context: WriteContext,
  route: Route,
  body: unknown,
  query: URLSearchParams,
): Promise<KubeObject> {
  const object = checked(route, body);
  const old = context.store.find(route.resource, route.namespace, route.name ?? "");
  if (!old || !route.name) throw notFound(route, route.name);
  if (object.metadata["name"] !== route.name)
    throw new Refusal(400, "BadRequest", "the name does not match the path");
  const version = object.metadata["resourceVersion"];
  if (version !== undefined && version !== old.object.metadata.resourceVersion) {
    throw conflict(
      route,
      route.name,
      "the object has been modified; please apply your changes to the latest version",
    );
  }
  const uid = object.metadata["uid"];
  if (uid !== undefined && uid !== old.object.metadata.uid)
    throw conflict(route, route.name, "the UID differs");
  const kept = { ...object, metadata: { ...object.metadata, ...systemFields(old.object) } };
  const next =
    route.subresource === "status"
      ? { ...old.object, status: object["status"], metadata: { ...old.object.metadata } }
      : kept;
  return save(context, route, next, old, query);
}

function systemFields(object: KubeObject): Json {
  const { uid, creationTimestamp, generation, deletionTimestamp, resourceVersion } = object.metadata;
  return {
    uid,
    creationTimestamp,
    generation,
    resourceVersion,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
}

/** PATCH of any media type the client sends. */
export async function patch(
  context: WriteContext,
  route: Route,
  mediaType: string,
  body: unknown,
  query: URLSearchParams,
): Promise<KubeObject> {
  const name = route.name ?? "";
  const old = context.store.find(route.resource, route.namespace, name);
  if (mediaType === "application/apply-patch+yaml") return apply(context, route, body, query);
  if (!old) throw notFound(route, name);
  let patched: unknown;
  try {
    switch (mediaType) {
      case "application/merge-patch+json":
      case "application/strategic-merge-patch+json":
        patched = mergePatch(old.object, body);
        break;
      case "application/json-patch+json":
        patched = jsonPatch(old.object, Array.isArray(body) ? body : []);
        break;
      default:
        throw new Refusal(
          415,
          "UnsupportedMediaType",
          `the body of the request was in an unknown format: ${mediaType}`,
        );
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(422, "Invalid", error instanceof Error ? error.message : String(error));
  }
  return replace(context, route, patched, query);
}

async function apply(
  context: WriteContext,
  route: Route,
  body: unknown,
  query: URLSearchParams,
): Promise<KubeObject> {
  const manifest = checked(route, body);
  const manager = query.get("fieldManager");
  if (!manager) throw new Refusal(400, "BadRequest", "fieldManager is required for apply patch");
  const old = context.store.find(route.resource, route.namespace, route.name ?? "");
  const existing = (old?.object ?? {}) as unknown as Json;
  const force = query.get("force") === "true";
  const result = applyFields(existing, manifest, old?.owners ?? new Map(), manager, force);
  if ("conflicts" in result) {
    const { conflicts } = result;
    throw new Refusal(
      409,
      "Conflict",
      `Apply failed with ${conflicts.length} conflicts: ${conflicts.join("; ")}`,
    );
  }
  return save(context, route, result.object as Json & { metadata: Json }, old, query, result.owners);
}

/** DELETE of one object. The answer is a Status, or the object while finalizers keep it. */
export async function remove(context: WriteContext, route: Route, body: unknown): Promise<object> {
  const name = route.name ?? "";
  const old = context.store.find(route.resource, route.namespace, name);
  if (!old) throw notFound(route, name);
  const options = isJson(body) ? body : {};
  const wanted = isJson(options["preconditions"]) ? options["preconditions"] : {};
  for (const field of ["uid", "resourceVersion"] as const) {
    if (wanted[field] !== undefined && wanted[field] !== old.object.metadata[field]) {
      throw conflict(
        route,
        name,
        `the ${field} in the precondition (${JSON.stringify(wanted[field])}) is another`,
      );
    }
  }
  const dryRun = Array.isArray(options["dryRun"]) && options["dryRun"].length > 0;
  const { resource, subresource } = route;
  await admitted(context, {
    operation: "DELETE",
    resource,
    subresource,
    object: undefined,
    oldObject: old.object,
    dryRun,
  });
  if (old.object.metadata.finalizers?.length) {
    const deletionTimestamp = new Date(context.now()).toISOString();
    const metadata = { ...old.object.metadata, deletionTimestamp };
    return context.store.write(resource, { ...old.object, metadata }, old.owners, dryRun);
  }
  if (!dryRun) context.store.remove(resource, old.object);
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details: { name } };
}
