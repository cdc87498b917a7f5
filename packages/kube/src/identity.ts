import { readFile } from "node:fs/promises";
import type { Credential, KubeConfig } from "./config.ts";
import { KubeError } from "./errors.ts";
import type { TlsMaterial } from "./transport.ts";

/** Files are read again when what we know is older. */
const REREAD_MS = 60_000;
/** A credential that ends sooner than this is renewed before use. */
const EXPIRY_MARGIN_MS = 30_000;

/** What a request needs to prove who we are and to know whom we talk to. */
export interface Identity {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly tls: TlsMaterial;
}

/** The current identity of a config, kept fresh. */
export interface IdentitySource {
  /** @throws KubeError `unauthorized` when a file cannot be read or the provider fails */
  current(): Promise<Identity>;
  /** Forgets what is cached, for when the server refused it. False when there is nothing newer to get. */
  forget(): boolean;
}

async function readText(path: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(path, "utf8")).trim();
  } catch (cause) {
    throw new KubeError({ code: "unauthorized", detail: `${path} cannot be read`, cause });
  }
  if (text === "") throw new KubeError({ code: "unauthorized", detail: `${path} is empty` });
  return text;
}

async function obtain(config: KubeConfig): Promise<Credential> {
  const { credentials } = config;
  switch (credentials.kind) {
    case "token":
      return { token: credentials.token };
    case "token-file":
      return { token: await readText(credentials.path) };
    case "client-certificate":
      return { certificate: credentials.certificate, key: credentials.key };
    case "provider":
      try {
        return await credentials.get();
      } catch (cause) {
        if (cause instanceof KubeError) throw cause;
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new KubeError({ code: "unauthorized", detail: `no credential: ${why}`, cause });
      }
    case "none":
      return {};
  }
}

function headersOf(config: KubeConfig, credential: Credential): Identity["headers"] {
  const headers: Record<string, string | readonly string[]> = {};
  if (credential.token !== undefined) {
    if (!/^[\x21-\x7e]+$/.test(credential.token)) {
      throw new KubeError({ code: "unauthorized", detail: "the token holds spaces or control characters" });
    }
    headers["authorization"] = `Bearer ${credential.token}`;
  }
  if (config.impersonate) {
    headers["impersonate-user"] = config.impersonate.user;
    if (config.impersonate.groups?.length) headers["impersonate-group"] = config.impersonate.groups;
  }
  return headers;
}

/**
 * Keeps a config's identity fresh: files are re-read at most every 60 s, a provider is asked again 30 s before its
 * credential ends. Concurrent callers share one reading.
 */
export function createIdentity(config: KubeConfig, now: () => number): IdentitySource {
  const { kind } = config.credentials;
  let known: { readonly identity: Identity; readonly until: number } | undefined;
  let pending: Promise<Identity> | undefined;

  async function load(): Promise<Identity> {
    const credential = await obtain(config);
    const ca = config.caFile === undefined ? config.ca : await readText(config.caFile);
    const identity: Identity = {
      headers: headersOf(config, credential),
      tls: {
        ca,
        certificate: credential.certificate,
        key: credential.key,
        serverName: config.tlsServerName,
        insecureSkipVerify: config.insecureSkipTlsVerify,
      },
    };
    const files = kind === "token-file" || config.caFile !== undefined;
    const ends = credential.expiresAt === undefined ? Infinity : credential.expiresAt - EXPIRY_MARGIN_MS;
    known = { identity, until: Math.min(ends, files ? now() + REREAD_MS : Infinity) };
    return identity;
  }

  return {
    current() {
      if (known && now() < known.until) return Promise.resolve(known.identity);
      pending ??= load().finally(() => {
        pending = undefined;
      });
      return pending;
    },
    forget() {
      known = undefined;
      return kind === "token-file" || kind === "provider";
    },
  };
}
