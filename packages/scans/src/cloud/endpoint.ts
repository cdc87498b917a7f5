import type { Reach } from "../registry/addresses.ts";
import { isLiteralOrLocal } from "../registry/addresses.ts";

/** Where a cloud's interface is called. */
export interface Endpoint {
  /** `https://host[:port]` and a path that ends in a slash. */
  base: URL;
  reach: Reach;
  /** PEM of more authorities, for an endpoint that the configuration names. */
  ca?: string | undefined;
  /** Dial this instead; URL and certificate name stay. */
  connect?: { host: string; port: number } | undefined;
}

/** A cloud's own public endpoint; private link may give it a private address. */
export function ownEndpoint(host: string): Endpoint {
  return { base: new URL(`https://${host}/`), reach: "private" };
}

/**
 * An endpoint that the configuration names: https, or http to a loopback address, for what is sent there is a secret.
 * @throws Error that says what was expected.
 */
export function namedEndpoint(text: string, field: string, ca?: string): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const loopback = url !== undefined && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (
    url === undefined ||
    url.username !== "" ||
    url.password !== "" ||
    url.search !== "" ||
    url.hash !== "" ||
    !(url.protocol === "https:" || (url.protocol === "http:" && loopback))
  )
    throw new Error(
      `${field}: expected https://host without user, query or fragment (http only to loopback), got ${JSON.stringify(text.slice(0, 100))}`,
    );
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return {
    base: url,
    reach: isLiteralOrLocal(url.hostname) ? "any" : "private",
    ...(ca === undefined ? {} : { ca }),
  };
}

/** The endpoint that the configuration names, or else the cloud's own. */
export function endpointOf(text: string | undefined, field: string, host: string, ca?: string): Endpoint {
  return text === undefined ? ownEndpoint(host) : namedEndpoint(text, field, ca);
}

/** A registry's own host, for what its source says of how it is reached. */
export function registryEndpoint(
  registry: string,
  options: { endpoint?: string | undefined; ca?: string | undefined },
): Endpoint {
  const { endpoint, ca } = options;
  const base = new URL(`https://${registry}/`);
  const trusted = ca === undefined ? {} : { ca };
  if (endpoint === undefined)
    return { base, reach: isLiteralOrLocal(base.hostname) ? "any" : "private", ...trusted };
  const address = new URL(`http://${endpoint}`);
  const port = /:(\d{1,5})$/.exec(endpoint)?.[1];
  const host = address.hostname.replace(/^\[|\]$/g, "");
  return { base, reach: "any", connect: { host, port: Number(port ?? 443) }, ...trusted };
}
