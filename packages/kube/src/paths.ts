import { invalidCall } from "./errors.ts";
import { apiVersionOf, type Resource } from "./resources.ts";

/** Which object is meant. `namespace` is required for namespaced kinds and refused for others. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/**
 * One path segment. The API server itself takes no name with `/` or `%`, nor `.` and `..`
 * (apimachinery `api/validation/path/name.go`); here they are refused before anything is sent.
 *
 * @throws KubeError `invalid`
 */
export function segment(what: string, value: string): string {
  const bad =
    value === "" || value === "." || value === ".." || /[/%\\]/.test(value) || !value.isWellFormed();
  if (bad) {
    throw invalidCall(
      `${what} ${JSON.stringify(value)} cannot be part of a path: expected a Kubernetes name`,
    );
  }
  return encodeURIComponent(value);
}

/** Path of all objects of a kind: in one namespace, or everywhere without one. */
export function collectionPath(resource: Resource, namespace?: string): string {
  if (namespace !== undefined && !resource.namespaced) {
    throw invalidCall(
      `${resource.kind} is not namespaced, yet namespace ${JSON.stringify(namespace)} was given`,
    );
  }
  const root = resource.group === "" ? "/api" : `/apis/${segment("group", resource.group)}`;
  const within = namespace === undefined ? "" : `/namespaces/${segment("namespace", namespace)}`;
  return `${root}/${segment("version", resource.version)}${within}/${segment("plural", resource.plural)}`;
}

/** Path objects of a kind are created at: a namespaced kind needs its namespace. */
export function creationPath(resource: Resource, namespace?: string): string {
  if (resource.namespaced && namespace === undefined) {
    throw invalidCall(`${apiVersionOf(resource)} ${resource.kind} needs a namespace`);
  }
  return collectionPath(resource, namespace);
}

/** Path of one object, or of one of its subresources such as `status` or `ephemeralcontainers`. */
export function objectPath(resource: Resource, ref: ObjectRef, subresource?: string): string {
  const base = `${creationPath(resource, ref.namespace)}/${segment(`${resource.kind} name`, ref.name)}`;
  return subresource === undefined ? base : `${base}/${segment("subresource", subresource)}`;
}

/** Query values; undefined ones are left out, lists are repeated. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** `?a=b`, or nothing. */
export function queryString(query: Query | undefined): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    const values = typeof value === "object" ? value : value === undefined ? [] : [String(value)];
    for (const one of values) params.append(key, one);
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}
