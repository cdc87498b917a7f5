import type { Resource } from "../resources.ts";

/** What a path asks for. */
export interface Route {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** The segments after the subresource, for proxies. */
  readonly rest: readonly string[];
}

/** Reads an API path; undefined when no known resource is there. */
export function routeOf(pathname: string, known: readonly Resource[]): Route | undefined {
  const parts = pathname.split("/").slice(1).map(decodeURIComponent);
  const core = parts[0] === "api";
  const group = core ? "" : parts[1];
  const version = core ? parts[1] : parts[2];
  let rest = parts.slice(core ? 2 : 3);
  const at = (plural: string | undefined): Resource | undefined =>
    known.find((one) => one.group === group && one.version === version && one.plural === plural);
  let namespace: string | undefined;
  if (rest[0] === "namespaces" && rest.length > 2 && at(rest[2])?.namespaced) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const resource = at(rest[0]);
  if (!resource) return undefined;
  return { resource, namespace, name: rest[1], subresource: rest[2], rest: rest.slice(3) };
}
