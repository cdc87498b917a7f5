import { createTransport, type KubeFetch } from "@gatehouse/kube";

/** What answers say in their headers, which the client does not hand on. */
export interface Heard {
  readonly fetch: KubeFetch;
  /** Of the last answer: by how many milliseconds its Date was ahead of this machine. */
  ahead(): number | undefined;
  /** Takes the warnings (RFC 9111 `Warning` headers) that came since the last call. */
  takeWarnings(): string[];
}

/** A transport that remembers dates and warnings. @param now milliseconds since 1970 */
export function listenTo(now: () => number, inner: KubeFetch = createTransport()): Heard {
  let ahead: number | undefined;
  let warnings: string[] = [];
  return {
    async fetch(url, request) {
      const sentAt = now();
      const response = await inner(url, request);
      const date = Date.parse(response.headers.get("date") ?? "");
      // A header has whole seconds: half of one is added, and half of the way is taken off.
      if (!Number.isNaN(date)) ahead = date + 500 - (sentAt + now()) / 2;
      const said = response.headers.get("warning");
      if (said !== null) warnings.push(said);
      return response;
    },
    ahead: () => ahead,
    takeWarnings() {
      const taken = warnings;
      warnings = [];
      return taken;
    },
  };
}
