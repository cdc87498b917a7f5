import { randomUUID } from "node:crypto";
import type { KubeObject } from "../objects.ts";
import { apiVersionOf, type Resource } from "../resources.ts";
import { json, Refusal, statusOf } from "./answers.ts";
import type { Route } from "./route.ts";
import { meetsFields, meetsLabels } from "./selectors.ts";
import type { Change, Store } from "./store.ts";

/** Lists and watches of the fake. */
export interface Reads {
  list(route: Route, query: URLSearchParams, metadataOnly: boolean): Response;
  watch(route: Route, query: URLSearchParams, metadataOnly: boolean): Response;
  /** Sends a bookmark on every watch. */
  bookmark(): void;
  /** Ends every watch, cleanly or as if the server had died. */
  closeWatches(how: "end" | "break"): void;
  watches(): number;
  /** Pages begun before are expired. */
  expirePages(): void;
}

const expired = (version: string): Refusal =>
  new Refusal(410, "Expired", `The provided continue parameter or resource version is too old: ${version}`);

/** The object, or its metadata only. */
export function shown(object: KubeObject, metadataOnly: boolean): object {
  return metadataOnly
    ? { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata }
    : object;
}

function untyped(object: KubeObject, metadataOnly: boolean): object {
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = object;
  // The items of a metadata-only list do carry their type.
  return metadataOnly ? shown(object, true) : rest;
}

interface Watcher {
  send(change: Change): void;
  bookmark(): void;
  close(how: "end" | "break"): void;
}

/** Reads over a store. */
export function createReads(store: Store): Reads {
  const pages = new Map<string, { items: readonly KubeObject[]; version: string }>();
  const watchers = new Set<Watcher>();

  function selects(route: Route, query: URLSearchParams): (object: KubeObject | undefined) => boolean {
    return (object) =>
      object !== undefined &&
      (route.namespace === undefined || object.metadata.namespace === route.namespace) &&
      (route.name === undefined || object.metadata.name === route.name) &&
      meetsLabels(object, query.get("labelSelector")) &&
      meetsFields(object, query.get("fieldSelector"));
  }

  function same(a: Resource, b: Resource): boolean {
    return a.group === b.group && a.plural === b.plural;
  }

  function openWatcher(
    route: Route,
    query: URLSearchParams,
    metadataOnly: boolean,
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Watcher {
    const matches = selects(route, query);
    const write = (type: string, object: object): void => {
      controller.enqueue(new TextEncoder().encode(`${JSON.stringify({ type, object })}\n`));
    };
    const timer = setTimeout(
      () => watcher.close("end"),
      Number(query.get("timeoutSeconds") ?? "3600") * 1000,
    );
    timer.unref();
    const watcher: Watcher = {
      send(change) {
        if (!same(change.resource, route.resource)) return;
        const [was, is] = [matches(change.before), matches(change.after)];
        const object = is ? change.after : change.before;
        if (!object || (!was && !is)) return;
        const metadata = { ...object.metadata, resourceVersion: String(change.version) };
        write(is ? (was ? "MODIFIED" : "ADDED") : "DELETED", shown({ ...object, metadata }, metadataOnly));
      },
      bookmark() {
        if (query.get("allowWatchBookmarks") !== "true") return;
        const type = metadataOnly
          ? { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" }
          : { kind: route.resource.kind, apiVersion: apiVersionOf(route.resource) };
        write("BOOKMARK", { ...type, metadata: { resourceVersion: String(store.version()) } });
      },
      close(how) {
        clearTimeout(timer);
        if (!watchers.delete(watcher)) return;
        if (how === "end") controller.close();
        else controller.error(new Error("connection reset"));
      },
    };
    return watcher;
  }

  store.subscribe((change) => {
    for (const watcher of watchers) watcher.send(change);
  });

  return {
    list(route, query, metadataOnly) {
      const token = query.get("continue");
      const held = token === null ? undefined : pages.get(token);
      if (token !== null && !held) throw expired(token);
      const items = held?.items ?? store.all(route.resource, route.namespace).filter(selects(route, query));
      const version = held?.version ?? String(store.version());
      const limit = Number(query.get("limit") ?? "0") || Infinity;
      const rest = items.slice(limit);
      let next: string | undefined;
      if (rest.length > 0) {
        next = randomUUID();
        pages.set(next, { items: rest, version });
      }
      return json({
        kind: metadataOnly ? "PartialObjectMetadataList" : `${route.resource.kind}List`,
        apiVersion: metadataOnly ? "meta.k8s.io/v1" : apiVersionOf(route.resource),
        metadata: { resourceVersion: version, ...(next === undefined ? {} : { continue: next }) },
        items: items.slice(0, limit).map((item) => untyped(item, metadataOnly)),
      });
    },
    watch(route, query, metadataOnly) {
      const from = query.get("resourceVersion") ?? "";
      const missed = store.since(Number(from));
      let watcher: Watcher | undefined;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          if (!missed) {
            const error = JSON.stringify({ type: "ERROR", object: statusOf(expired(from)) });
            controller.enqueue(new TextEncoder().encode(`${error}\n`));
            controller.close();
            return;
          }
          watcher = openWatcher(route, query, metadataOnly, controller);
          watchers.add(watcher);
          for (const change of missed) watcher.send(change);
        },
        cancel() {
          if (watcher) watchers.delete(watcher);
        },
      });
      return new Response(body, { headers: { "content-type": "application/json;stream=watch" } });
    },
    bookmark() {
      for (const watcher of watchers) watcher.bookmark();
    },
    closeWatches(how) {
      for (const watcher of watchers) watcher.close(how);
    },
    watches: () => watchers.size,
    expirePages: () => pages.clear(),
  };
}
