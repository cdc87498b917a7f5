import { readFile } from "node:fs/promises";
import { createTransport } from "@gatehouse/kube";
import type { Post } from "./observer-sink.ts";

/** Statuses that say that this very batch is never taken; any other failure may pass, whatever its cause. */
const refusals: ReadonlySet<number> = new Set([400, 413]);

/**
 * Posts batches of CloudEvents to the observer over HTTPS. Its certificate must come from `caFile`; the token file
 * proves who we are and is read each time, since the kubelet renews it.
 */
export function createObserverPost(options: { url: string; caFile?: string; tokenFile?: string }): Post {
  const fetch = createTransport({ maxSockets: 2 });
  return async (body, signal) => {
    const [ca, token] = await Promise.all([
      options.caFile === undefined ? undefined : readFile(options.caFile, "utf8"),
      options.tokenFile === undefined ? undefined : readFile(options.tokenFile, "utf8"),
    ]);
    const response = await fetch(options.url, {
      method: "POST",
      headers: {
        "content-type": "application/cloudevents-batch+json",
        ...(token === undefined ? {} : { "x-gatehouse-token": token.trim() }),
      },
      body,
      signal,
      tls: { ca },
    });
    const text = await response.text();
    if (refusals.has(response.status)) return { taken: false, why: `status ${response.status}` };
    if (!response.ok) throw new Error(`the observer answered ${response.status}`);
    return { taken: true, observer: observerOf(text) };
  };
}

/** Which start of the observer it was, where it says so. */
function observerOf(text: string): string | undefined {
  try {
    const { observer } = JSON.parse(text) as { observer?: unknown };
    return typeof observer === "string" ? observer : undefined;
  } catch {
    return undefined;
  }
}
