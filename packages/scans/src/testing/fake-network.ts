import type { Hono } from "hono";
import type { RegistryFetch } from "../registry/transport.ts";

/** One connection that was made, for a test to look at. */
export interface Dialled {
  method: string;
  url: string;
  authorization?: string;
}

/** A network that holds these hosts and no others: any other is a failed test, or an error the caller must bear. */
export interface FakeNetwork {
  fetch: RegistryFetch;
  readonly dialled: Dialled[];
}

/** Routes requests to Hono apps by `host[:port]` of the URL. */
export function fakeNetwork(hosts: Readonly<Record<string, Hono>>): FakeNetwork {
  const dialled: Dialled[] = [];
  return {
    dialled,
    async fetch(url, request) {
      const { authorization } = request.headers;
      dialled.push({
        method: request.method,
        url,
        ...(authorization === undefined ? {} : { authorization }),
      });
      const app = hosts[new URL(url).host];
      if (app === undefined) throw Object.assign(new Error(`no such host in ${url}`), { code: "ENOTFOUND" });
      const { signal, method, headers } = request;
      return await app.request(url, {
        method,
        headers,
        signal,
        ...(request.body === undefined ? {} : { body: request.body }),
      });
    },
  };
}
