import * as z from "zod/mini";
import { KubeError, type Asked } from "./errors.ts";
import { apiVersionOf, type Resource } from "./resources.ts";

/** A reference to an owner (apimachinery `meta/v1`). */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean | undefined;
  readonly blockOwnerDeletion?: boolean | undefined;
}

/** Object metadata as far as Gatehouse uses it. Timestamps are RFC 3339 text. */
export interface ObjectMeta {
  readonly name: string;
  readonly generateName?: string | undefined;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly generation?: number | undefined;
  readonly creationTimestamp?: string | null | undefined;
  readonly deletionTimestamp?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly ownerReferences?: readonly OwnerReference[] | undefined;
  readonly finalizers?: readonly string[] | undefined;
}

/**
 * An object the API server answered with. Type and metadata are checked; the rest is as it came, so a caller that
 * names a narrower type vouches for it or checks it.
 */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** What a caller sends: `name` may be left out for `generateName`; other fields as the kind has them. */
export interface Manifest {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata: Partial<ObjectMeta>;
  readonly [field: string]: unknown;
}

/** All objects of a list and the version the list was taken at, from which a watch goes on. */
export interface KubeList<T extends KubeObject = KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/** One page of a list. */
export interface KubePage<T extends KubeObject = KubeObject> extends KubeList<T> {
  /** Token of the next page, absent on the last. */
  readonly continue?: string | undefined;
}

const stringMap = z.optional(z.nullable(z.record(z.string(), z.string())));

const objectSchema = z.looseObject({
  apiVersion: z.optional(z.string()),
  kind: z.optional(z.string()),
  metadata: z.looseObject({
    name: z.string().check(z.minLength(1)),
    namespace: z.optional(z.string()),
    uid: z.optional(z.string()),
    resourceVersion: z.optional(z.string()),
    deletionTimestamp: z.optional(z.nullable(z.string())),
    labels: stringMap,
    annotations: stringMap,
    finalizers: z.optional(z.nullable(z.array(z.string()))),
    ownerReferences: z.optional(
      z.nullable(
        z.array(
          z.looseObject({
            apiVersion: z.string(),
            kind: z.string(),
            name: z.string(),
            uid: z.string(),
            controller: z.optional(z.boolean()),
          }),
        ),
      ),
    ),
  }),
});

const listSchema = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ resourceVersion: z.string(), continue: z.optional(z.string()) }),
  // Go writes an empty slice as null; a missing field is something else and is refused.
  items: z.nullable(z.array(z.unknown())),
});

/** The places and expectations of a failed check, in one line. */
export function problems(error: z.core.$ZodError): string {
  return error.issues
    .map(
      (issue) => `${issue.path.length === 0 ? "answer" : issue.path.map(String).join(".")}: ${issue.message}`,
    )
    .join("; ");
}

/** The `unexpected` error of an answer that is not what was asked for. */
export function unexpectedAnswer(asked: Asked, expected: string, got: string): KubeError {
  return new KubeError({ code: "unexpected", asked, detail: `expected ${expected}, got ${got}` });
}

/** Parses JSON; anything else is `unexpected`, never an empty value. */
export function parseJson(asked: Asked, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KubeError({
      code: "unexpected",
      asked,
      detail: `expected JSON, got ${JSON.stringify(text.slice(0, 200))}`,
      cause,
    });
  }
}

/** Checks a value against a schema. */
export function check<T extends z.ZodMiniType>(
  asked: Asked,
  schema: T,
  value: unknown,
  what: string,
): z.infer<T> {
  const parsed = z.safeParse(schema, value);
  if (!parsed.success) throw unexpectedAnswer(asked, what, problems(parsed.error));
  return parsed.data;
}

function typeOf(resource: Resource, metadataOnly: boolean): { apiVersion: string; kind: string } {
  return metadataOnly
    ? { apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata" }
    : { apiVersion: apiVersionOf(resource), kind: resource.kind };
}

/**
 * Checks that a value is an object of the kind asked for. Its type is then the resource's own, also for
 * metadata-only answers. `typed: false` for items of a list, which carry no type of their own.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type it vouches for
export function asObject<T extends KubeObject>(
  asked: Asked,
  resource: Resource,
  value: unknown,
  options: { metadataOnly: boolean; typed: boolean },
): T {
  const parsed = objectSchema.safeParse(value);
  if (!parsed.success) throw unexpectedAnswer(asked, `a ${resource.kind}`, problems(parsed.error));
  const want = typeOf(resource, options.metadataOnly);
  const { apiVersion, kind } = parsed.data;
  const untyped = apiVersion === undefined && kind === undefined;
  if (!(untyped && !options.typed) && (apiVersion !== want.apiVersion || kind !== want.kind)) {
    throw unexpectedAnswer(asked, `${want.apiVersion} ${want.kind}`, `${apiVersion} ${kind}`);
  }
  return { ...(value as T), apiVersion: apiVersionOf(resource), kind: resource.kind };
}

/** Checks that a value is a list of the kind asked for. */
export function asPage<T extends KubeObject>(
  asked: Asked,
  resource: Resource,
  value: unknown,
  metadataOnly: boolean,
): KubePage<T> {
  const list = check(asked, listSchema, value, `a list of ${resource.kind}`);
  const want = `${typeOf(resource, metadataOnly).kind}List`;
  if (list.kind !== want) throw unexpectedAnswer(asked, want, list.kind);
  const next = list.metadata.continue;
  return {
    items: (list.items ?? []).map((item) =>
      asObject<T>(asked, resource, item, { metadataOnly, typed: false }),
    ),
    resourceVersion: list.metadata.resourceVersion,
    continue: next === undefined || next === "" ? undefined : next,
  };
}
