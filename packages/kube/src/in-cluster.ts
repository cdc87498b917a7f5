import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { KubeError } from "./errors.ts";
import type { KubeConfig } from "./config.ts";

/** Where kubelet puts the default service account's files. */
export const SERVICE_ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Arguments of {@link inCluster}. */
export interface InClusterOptions {
  /** Folder with `token`, `ca.crt` and `namespace`. @default SERVICE_ACCOUNT_DIRECTORY */
  readonly directory?: string;
  /** Holds `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * The config of the cluster this process runs in. Token and CA stay files that the client re-reads, since kubelet
 * renews them; all three files must be there at the start.
 *
 * @throws KubeError `unauthorized`, listing every variable and file that is missing
 */
export async function inCluster(options: InClusterOptions = {}): Promise<KubeConfig> {
  const directory = options.directory ?? SERVICE_ACCOUNT_DIRECTORY;
  const env = options.env ?? process.env;
  const missing: string[] = [];
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = env["KUBERNETES_SERVICE_PORT"] ?? "";
  if (host === "") missing.push("environment variable KUBERNETES_SERVICE_HOST");
  if (!/^\d{1,5}$/.test(port)) missing.push("environment variable KUBERNETES_SERVICE_PORT (a number)");
  const read = async (name: string): Promise<string> => {
    const path = join(directory, name);
    try {
      const text = (await readFile(path, "utf8")).trim();
      if (text === "") missing.push(`${path} (it is empty)`);
      return text;
    } catch (error) {
      missing.push(`${path} (${error instanceof Error ? error.message : String(error)})`);
      return "";
    }
  };
  await read("token");
  await read("ca.crt");
  const namespace = await read("namespace");
  if (missing.length > 0) {
    throw new KubeError({
      code: "unauthorized",
      detail: `not inside a Pod with a service account; missing: ${missing.join("; ")}`,
    });
  }
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    caFile: join(directory, "ca.crt"),
    credentials: { kind: "token-file", path: join(directory, "token") },
    namespace,
  };
}
