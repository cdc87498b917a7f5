import { isIP } from "node:net";
import { invalidCall } from "./errors.ts";

/** A credential for the moment: a bearer token, a client certificate, or both. */
export interface Credential {
  readonly token?: string | undefined;
  /** PEM. */
  readonly certificate?: string | undefined;
  /** PEM. */
  readonly key?: string | undefined;
  /** When it ends, in milliseconds since 1970; absent when it does not say. */
  readonly expiresAt?: number | undefined;
}

/** How the client proves who it is. */
export type Credentials =
  | { readonly kind: "token"; readonly token: string }
  /** A file that is rewritten while we run, such as a projected service account token; re-read at most every 60 s. */
  | { readonly kind: "token-file"; readonly path: string }
  /** PEM texts. */
  | { readonly kind: "client-certificate"; readonly certificate: string; readonly key: string }
  /** Asked again when what it gave is about to end or was refused. */
  | { readonly kind: "provider"; readonly get: () => Promise<Credential> }
  | { readonly kind: "none" };

/** Where an API server is and how to talk to it. Plain data, but for a credential provider's function. */
export interface KubeConfig {
  /** `https://host[:port][/prefix]`; plain http only to this machine's loopback. */
  readonly server: string;
  /** PEM of the certificate authorities that may vouch for the server; without `ca` and `caFile`, Node's own. */
  readonly ca?: string | undefined;
  /** The same as a file, re-read at most every 60 s. */
  readonly caFile?: string | undefined;
  /** Name the server's certificate must bear, when it is not the host of `server`. */
  readonly tlsServerName?: string | undefined;
  /** Accept any server. Only ever from a kubeconfig that says so. */
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly credentials: Credentials;
  /** Act as somebody else, as a kubeconfig's `as` asks. */
  readonly impersonate?:
    | { readonly user: string; readonly groups?: readonly string[] | undefined }
    | undefined;
  /** The namespace of the service account or of the kubeconfig's context. */
  readonly namespace?: string | undefined;
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/**
 * The base URL of a config, without a slash at its end.
 *
 * @throws KubeError `invalid`, listing every problem of the config
 */
export function baseUrl(config: KubeConfig): string {
  const problems: string[] = [];
  const url = URL.canParse(config.server) ? new URL(config.server) : undefined;
  if (url === undefined) {
    problems.push(`server: expected https://host[:port], got ${JSON.stringify(config.server)}`);
  } else {
    const plain = url.protocol === "http:" && isLoopback(url.hostname);
    if (url.protocol !== "https:" && !plain) {
      problems.push(`server: expected https (http only to loopback), got ${JSON.stringify(config.server)}`);
    }
    if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
      problems.push("server: expected no user, query or fragment in the address");
    }
  }
  if (config.ca !== undefined && config.caFile !== undefined) {
    problems.push("ca, caFile: expected one of them, got both");
  }
  if (config.ca !== undefined && !config.ca.includes("-----BEGIN CERTIFICATE-----")) {
    problems.push("ca: expected PEM certificates");
  }
  if (problems.length > 0 || url === undefined) {
    throw invalidCall(`the cluster's configuration cannot be used: ${problems.join("; ")}`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}
