/**
 * Which registry hosts the configuration names. The answer is given on the parsed reference, before any I/O: the
 * requester of an admission chooses the reference, so a host that no source names is never dialled nor resolved.
 */

/**
 * Whether `host`, as a parsed reference has it (`example.com`, `example.com:5000`), is one of `patterns`.
 * A pattern is exact, or `*.` and a suffix; the star stands for exactly one DNS label. Letter case does not count,
 * ports do. Anything that is not a plain host and port (user info, paths, an IP literal for a wildcard) is not named.
 */
export function isNamedHost(patterns: readonly string[], host: string): boolean {
  const wanted = host.toLowerCase();
  if (!/^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/.test(wanted)) return false;
  return patterns.some((pattern) => matches(pattern.toLowerCase(), wanted));
}

function matches(pattern: string, host: string): boolean {
  if (!pattern.startsWith("*.")) return pattern === host;
  const suffix = pattern.slice(1);
  if (!host.endsWith(suffix)) return false;
  return /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(host.slice(0, -suffix.length));
}

/** The host to dial for a registry's name: Docker Hub is the one whose name is not its address. */
export function dialledHost(registry: string): string {
  return registry === "docker.io" ? "registry-1.docker.io" : registry.toLowerCase();
}
