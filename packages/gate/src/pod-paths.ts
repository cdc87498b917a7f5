/**
 * Where the gate's Pods find what they are given. The judge and the observer are told these paths by their
 * environment; cloud packages write token files into their sources with {@link tokenFile}.
 */
export const podPaths = {
  bundle: "/gatehouse/bundle",
  policy: "/gatehouse/policy",
  config: "/gatehouse/config",
  /** One folder for each generation, with `tls.crt` and `tls.key`. */
  ca: "/gatehouse/ca",
  /** The file `path` holds the secret segment of the webhook's URL. */
  webhook: "/gatehouse/webhook",
  emergency: "/gatehouse/emergency",
  tokens: "/gatehouse/tokens",
  /** The file `token` proves to the observer who posts events. */
  caller: "/gatehouse/caller",
  files: "/gatehouse/files",
  /** Headers and authority of the event sink; the observer's alone. */
  sink: "/gatehouse/sink",
  trust: "/gatehouse/trust",
  /** The only place that can be written to. */
  scratch: "/tmp",
} as const;

/** The file that holds the projected service account token of one entry of `tokenAudiences`. */
export function tokenFile(name: string): string {
  return `${podPaths.tokens}/${name}`;
}

/** The folder that one entry of `files` is mounted at, for a source of type `file`. */
export function filesDirectory(name: string): string {
  return `${podPaths.files}/${name}`;
}
