import * as z from "zod/mini";
import { KubeError, type Asked } from "./errors.ts";
import { linesOf } from "./lines.ts";
import { asObject, check, parseJson, unexpectedAnswer, type KubeObject } from "./objects.ts";
import { collectionPath } from "./paths.ts";
import type { Requester } from "./request.ts";
import type { Resource } from "./resources.ts";
import { asStatus, errorOfStatus } from "./status.ts";
import type { Selection } from "./verb-types.ts";
import { acceptOfObject } from "./verbs.ts";

/** What a watch tells. A bookmark says only how far the watch has come. */
export type WatchEvent<T extends KubeObject = KubeObject> =
  | { readonly type: "added" | "modified" | "deleted"; readonly object: T; readonly resourceVersion: string }
  | { readonly type: "bookmark"; readonly resourceVersion: string };

/** Options of one watch. */
export interface WatchOptions extends Selection {
  /** Changes after this one are told: of a list, or of the last event. */
  readonly resourceVersion: string;
  /** Asks for `PartialObjectMetadata`: objects without spec and status. @default false */
  readonly metadataOnly?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** After this many seconds the server ends the watch. @default 300 */
  readonly timeoutSeconds?: number | undefined;
  /** Time for the answer to begin. @default the client's */
  readonly timeoutMs?: number | undefined;
  /** With nothing heard for so long, bookmarks included, the connection counts as dead. @default 120000 */
  readonly idleMs?: number | undefined;
  /** Longest event, in bytes. @default 8388608 */
  readonly maxLineBytes?: number | undefined;
  /** Called when the server has accepted the watch. */
  readonly onOpen?: (() => void) | undefined;
}

const eventSchema = z.looseObject({
  type: z.enum(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]),
  object: z.looseObject({}),
});

const bookmarkSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().check(z.minLength(1)) }),
});

const TYPES = { ADDED: "added", MODIFIED: "modified", DELETED: "deleted" } as const;

function eventOf<T extends KubeObject>(
  asked: Asked,
  resource: Resource,
  metadataOnly: boolean,
  line: string,
): WatchEvent<T> {
  const event = check(asked, eventSchema, parseJson(asked, line), "a watch event");
  if (event.type === "ERROR") {
    const status = asStatus(event.object);
    throw status ? errorOfStatus(asked, status) : unexpectedAnswer(asked, "a Status", line.slice(0, 200));
  }
  if (event.type === "BOOKMARK") {
    const { metadata } = check(asked, bookmarkSchema, event.object, "a bookmark");
    return { type: "bookmark", resourceVersion: metadata.resourceVersion };
  }
  const object = asObject<T>(asked, resource, event.object, { metadataOnly, typed: true });
  const { resourceVersion } = object.metadata;
  if (!resourceVersion) throw unexpectedAnswer(asked, "metadata.resourceVersion in a watch event", "none");
  return { type: TYPES[event.type], object, resourceVersion };
}

/**
 * One watch, from a version on until the server ends it, which is normal and no error.
 *
 * @throws KubeError `gone` when the version is too old, `unavailable` when the connection broke or went silent,
 *   `timeout` when the caller's signal ended it
 */
export async function* watch<T extends KubeObject>(
  requester: Requester,
  resource: Resource,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void> {
  const asked: Asked = { method: "GET", path: collectionPath(resource, options.namespace) };
  const idleMs = options.idleMs ?? 120_000;
  const silence = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, silence.signal]) : silence.signal;
  const response = await requester.stream({
    ...asked,
    signal,
    timeoutMs: options.timeoutMs,
    query: {
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: options.resourceVersion,
      timeoutSeconds: options.timeoutSeconds ?? 300,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    },
    accept: acceptOfObject(options.metadataOnly),
    repeatable: false,
  });
  if (!response.body) throw unexpectedAnswer(asked, "a stream of events", "no body");
  options.onOpen?.();
  const idle = setTimeout(() => silence.abort(), idleMs);
  try {
    for await (const line of linesOf(asked, response.body, options.maxLineBytes ?? 8 * 1024 * 1024)) {
      idle.refresh();
      yield eventOf<T>(asked, resource, options.metadataOnly ?? false, line);
    }
  } catch (cause) {
    if (cause instanceof KubeError) throw cause;
    if (options.signal?.aborted) {
      throw new KubeError({
        code: "timeout",
        asked,
        detail: "ended by the caller",
        cause: options.signal.reason,
      });
    }
    const detail = silence.signal.aborted ? `the watch was silent for ${idleMs} ms` : "the watch broke off";
    throw new KubeError({ code: "unavailable", asked, detail, cause });
  } finally {
    clearTimeout(idle);
    // Whoever stops reading early must not leave the connection open.
    silence.abort();
  }
}
