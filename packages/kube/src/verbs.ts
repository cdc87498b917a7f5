import { invalidCall, isKubeError, type Asked } from "./errors.ts";
import { asObject, asPage, parseJson, type KubeObject, type Manifest } from "./objects.ts";
import { collectionPath, creationPath, objectPath, type ObjectRef } from "./paths.ts";
import type { CallOptions, Requester } from "./request.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import { asStatus } from "./status.ts";
import type {
  ApplyOptions,
  DeleteOptions,
  GetOptions,
  ListOptions,
  Patch,
  Verbs,
  WriteOptions,
} from "./verb-types.ts";

const PATCH_TYPES = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
} as const;

function acceptOf(metadataOnly: boolean | undefined, kind: string): string | undefined {
  return metadataOnly ? `application/json;as=${kind};v=v1;g=meta.k8s.io` : undefined;
}

/** The Accept header of a metadata-only list or watch. */
export function acceptOfList(metadataOnly: boolean | undefined): string | undefined {
  return acceptOf(metadataOnly, "PartialObjectMetadataList");
}

/** The Accept header of a metadata-only object or of a watch, whose events hold single objects. */
export function acceptOfObject(metadataOnly: boolean | undefined): string | undefined {
  return acceptOf(metadataOnly, "PartialObjectMetadata");
}

function typed(resource: Resource, object: Manifest): string {
  const want = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  for (const field of ["apiVersion", "kind"] as const) {
    if (object[field] !== undefined && object[field] !== want[field]) {
      throw invalidCall(`${field}: expected ${want[field]}, got ${JSON.stringify(object[field])}`);
    }
  }
  return JSON.stringify({ ...object, ...want });
}

function refOf(resource: Resource, object: Manifest): ObjectRef {
  const { name, namespace } = object.metadata;
  if (name === undefined) throw invalidCall(`metadata.name: a ${resource.kind} to write needs its name`);
  return { name, namespace };
}

function writeQuery(options: WriteOptions): Record<string, string | undefined> {
  return {
    fieldManager: options.fieldManager ?? "gatehouse",
    fieldValidation: "Strict",
    dryRun: options.dryRun ? "All" : undefined,
  };
}

/** The verbs over a requester. */
export function createVerbs(requester: Requester): Verbs {
  const limits = (options: CallOptions): CallOptions => ({
    signal: options.signal,
    timeoutMs: options.timeoutMs,
  });

  async function write<T extends KubeObject>(
    resource: Resource,
    asked: Asked,
    body: string,
    options: WriteOptions,
    extra: { contentType?: string; query?: Record<string, boolean>; repeatable?: boolean } = {},
  ): Promise<T> {
    const answer = await requester.call({
      ...asked,
      ...limits(options),
      query: { ...writeQuery(options), ...extra.query },
      body,
      contentType: extra.contentType,
      repeatable: false,
    });
    return asObject<T>(asked, resource, parseJson(asked, answer.text), { metadataOnly: false, typed: true });
  }

  const verbs: Verbs = {
    async get<T extends KubeObject>(resource: Resource, ref: ObjectRef, options: GetOptions = {}) {
      const asked = { method: "GET", path: objectPath(resource, ref) };
      const answer = await requester.call({
        ...asked,
        ...limits(options),
        query: { resourceVersion: options.resourceVersion },
        accept: acceptOfObject(options.metadataOnly),
        repeatable: true,
      });
      const object = asObject<T>(asked, resource, parseJson(asked, answer.text), {
        metadataOnly: options.metadataOnly ?? false,
        typed: true,
      });
      return object;
    },
    async find<T extends KubeObject>(resource: Resource, ref: ObjectRef, options: GetOptions = {}) {
      try {
        return await verbs.get<T>(resource, ref, options);
      } catch (error) {
        if (isKubeError(error, "not-found")) return undefined;
        throw error;
      }
    },
    async *pages<T extends KubeObject>(resource: Resource, options: ListOptions = {}) {
      const asked = { method: "GET", path: collectionPath(resource, options.namespace) };
      let next: string | undefined;
      do {
        const answer = await requester.call({
          ...asked,
          ...limits(options),
          query: {
            limit: options.limit ?? 500,
            continue: next,
            // The continue token holds the version of the first page; naming another one is an error.
            resourceVersion: next === undefined ? options.resourceVersion : undefined,
            labelSelector: options.labelSelector,
            fieldSelector: options.fieldSelector,
          },
          accept: acceptOfList(options.metadataOnly),
          repeatable: true,
        });
        const page = asPage<T>(asked, resource, parseJson(asked, answer.text), options.metadataOnly ?? false);
        yield page;
        next = page.continue;
      } while (next !== undefined);
    },
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as in the interface
    async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}) {
      for (let restarts = 0; ; restarts += 1) {
        try {
          const items: T[] = [];
          let resourceVersion = "";
          for await (const page of verbs.pages<T>(resource, options)) {
            for (const item of page.items) items.push(item);
            resourceVersion = page.resourceVersion;
          }
          return { items, resourceVersion };
        } catch (error) {
          if (restarts >= 2 || !isKubeError(error, "gone")) throw error;
        }
      }
    },
    async create<T extends KubeObject>(resource: Resource, object: Manifest, options: WriteOptions = {}) {
      const asked = { method: "POST", path: creationPath(resource, object.metadata.namespace) };
      return write<T>(resource, asked, typed(resource, object), options);
    },
    async apply<T extends KubeObject>(resource: Resource, object: Manifest, options: ApplyOptions = {}) {
      const path = objectPath(resource, refOf(resource, object), options.subresource);
      const extra = { contentType: "application/apply-patch+yaml", query: { force: options.force ?? false } };
      return write<T>(resource, { method: "PATCH", path }, typed(resource, object), options, extra);
    },
    async replace<T extends KubeObject>(resource: Resource, object: Manifest, options: WriteOptions = {}) {
      const path = objectPath(resource, refOf(resource, object), options.subresource);
      return write<T>(resource, { method: "PUT", path }, typed(resource, object), options);
    },
    async patch<T extends KubeObject>(
      resource: Resource,
      ref: ObjectRef,
      patch: Patch,
      options: WriteOptions = {},
    ) {
      const asked = { method: "PATCH", path: objectPath(resource, ref, options.subresource) };
      return write<T>(resource, asked, JSON.stringify(patch.value), options, {
        contentType: PATCH_TYPES[patch.type],
      });
    },
    async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}) {
      const asked = { method: "DELETE", path: objectPath(resource, ref) };
      const answer = await requester.call({
        ...asked,
        ...limits(options),
        body: JSON.stringify({
          apiVersion: "v1",
          kind: "DeleteOptions",
          preconditions: options.preconditions,
          propagationPolicy: options.propagationPolicy,
          gracePeriodSeconds: options.gracePeriodSeconds,
          dryRun: options.dryRun ? ["All"] : undefined,
        }),
        repeatable: false,
      });
      const value = parseJson(asked, answer.text);
      if (asStatus(value)) return "deleted";
      const object = asObject(asked, resource, value, { metadataOnly: false, typed: true });
      return object.metadata.deletionTimestamp === undefined ? "deleted" : "deleting";
    },
  };
  return verbs;
}
