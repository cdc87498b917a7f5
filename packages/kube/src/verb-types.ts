/** What can be asked of the API server about objects, and on what terms. */
import type { KubeList, KubeObject, KubePage, Manifest } from "./objects.ts";
import type { ObjectRef } from "./paths.ts";
import type { CallOptions } from "./request.ts";
import type { Resource } from "./resources.ts";

/** Options of reading one object. */
export interface GetOptions extends CallOptions {
  /** Ask for type and metadata only, which spares both sides the rest. */
  readonly metadataOnly?: boolean;
  /** `"0"` takes what the API server has in its cache; absent: the newest. */
  readonly resourceVersion?: string;
}

/** Which objects of a kind. Without a namespace: of all namespaces. */
export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** Options of listing. */
export interface ListOptions extends CallOptions, Selection {
  /** Asks for `PartialObjectMetadata`: objects without spec and status. @default false */
  readonly metadataOnly?: boolean | undefined;
  readonly resourceVersion?: string | undefined;
  /** Objects a page; `timeoutMs` holds for each page. @default 500 */
  readonly limit?: number | undefined;
}

/** Options of every write. */
export interface WriteOptions extends CallOptions {
  /** Validate and answer, but change nothing. */
  readonly dryRun?: boolean;
  /** Who owns the fields written. @default "gatehouse" */
  readonly fieldManager?: string;
  /** Such as `status`, `scale` or `ephemeralcontainers`. Not for create. */
  readonly subresource?: string;
}

/** Options of server-side apply. */
export interface ApplyOptions extends WriteOptions {
  /** Take fields over from other managers instead of failing with `conflict`. @default false */
  readonly force?: boolean;
}

/** A patch and its media type. */
export type Patch =
  | { readonly type: "merge" | "strategic"; readonly value: object }
  | { readonly type: "json"; readonly value: readonly object[] };

/** Options of deletion. */
export interface DeleteOptions extends CallOptions {
  /** Validate and answer, but delete nothing. */
  readonly dryRun?: boolean;
  /** Delete only this very object; otherwise `conflict`. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  /** Seconds that a Pod is given to end. @default its own */
  readonly gracePeriodSeconds?: number;
}

/** The verbs on objects. All throw KubeError. */
export interface Verbs {
  get<T extends KubeObject = KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    options?: GetOptions,
  ): Promise<T>;
  /** As `get`, but undefined when the API server says there is no such object. */
  find<T extends KubeObject = KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    options?: GetOptions,
  ): Promise<T | undefined>;
  /** All objects, page after page. A list that expires between pages is begun anew, twice at most. */
  list<T extends KubeObject = KubeObject>(resource: Resource, options?: ListOptions): Promise<KubeList<T>>;
  /** Page after page, so that the caller need not hold all; `gone` when the list expires in between. */
  pages<T extends KubeObject = KubeObject>(
    resource: Resource,
    options?: ListOptions,
  ): AsyncGenerator<KubePage<T>>;
  create<T extends KubeObject = KubeObject>(
    resource: Resource,
    object: Manifest,
    options?: WriteOptions,
  ): Promise<T>;
  /** Server-side apply of the fields given; creates the object when there is none. */
  apply<T extends KubeObject = KubeObject>(
    resource: Resource,
    object: Manifest,
    options?: ApplyOptions,
  ): Promise<T>;
  /** Writes the whole object; with `metadata.resourceVersion` only if it is still that one, else `conflict`. */
  replace<T extends KubeObject = KubeObject>(
    resource: Resource,
    object: Manifest,
    options?: WriteOptions,
  ): Promise<T>;
  patch<T extends KubeObject = KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<T>;
  /** `deleting` when finalizers or a grace period keep it for a while. */
  delete(resource: Resource, ref: ObjectRef, options?: DeleteOptions): Promise<"deleted" | "deleting">;
}
