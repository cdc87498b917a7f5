/**
 * Objects of the Kubernetes API as the runner handles them: always from the API server, so with names and UIDs.
 *
 * @module
 */

/** Namespace and name of an object; the API server gives both to every namespaced object. */
export function nameOf(object: {
  readonly metadata?: { readonly namespace?: string; readonly name?: string };
}): {
  readonly namespace: string;
  readonly name: string;
} {
  const { namespace, name } = object.metadata ?? {};
  if (namespace === undefined || name === undefined)
    throw new Error("expected an object with namespace and name");
  return { namespace, name };
}

/** UID of an object. */
export function uidOf(object: { readonly metadata?: { readonly uid?: string } }): string {
  const uid = object.metadata?.uid;
  if (uid === undefined) throw new Error("expected an object with a UID");
  return uid;
}

/** Path of a Pod, for the API client. */
export function podPath(pod: {
  readonly metadata?: { readonly namespace?: string; readonly name?: string };
}): string {
  const { namespace, name } = nameOf(pod);
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}
