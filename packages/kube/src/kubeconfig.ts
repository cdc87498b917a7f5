/**
 * Reads kubeconfig files, for people's machines and pipelines. Heavy: never import it from the gate.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import type { Credentials, KubeConfig } from "./config.ts";
import { KubeError } from "./errors.ts";
import { runExecPlugin } from "./exec-plugin.ts";
import { readKubeconfig, unusable, why, type ClusterEntry, type UserEntry } from "./kubeconfig-file.ts";

/** Where a kubeconfig comes from. */
export interface KubeconfigOptions {
  /** The kubeconfig itself, as YAML or JSON; paths in it must be absolute. */
  readonly text?: string | undefined;
  /** A file. @default those of the KUBECONFIG variable, else `~/.kube/config` */
  readonly path?: string | undefined;
  /** @default the kubeconfig's current-context */
  readonly context?: string | undefined;
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether credential plugins may ask a person. @default whether standard input is a terminal */
  readonly interactive?: boolean;
}

interface Reading {
  readonly problems: string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly interactive: boolean;
  readonly where: string;
}

function placed(path: string, directory: string | undefined): string {
  if (isAbsolute(path)) return path;
  if (directory === undefined) throw new Error("a relative path needs the folder of a file");
  return resolve(directory, path);
}

/** A PEM text that is given as base64 or as a file. */
async function pem(
  reading: Reading,
  field: string,
  data: string | null | undefined,
  file: string | null | undefined,
  directory: string | undefined,
): Promise<string | undefined> {
  if (data) return Buffer.from(data, "base64").toString("utf8");
  if (!file) return undefined;
  try {
    return await readFile(placed(file, directory), "utf8");
  } catch (error) {
    reading.problems.push(`${field} ${file}: ${why(error)}`);
    return undefined;
  }
}

/** A token by an OpenID Connect provider, which the library refreshes. */
async function oidcProvider(entry: UserEntry, server: string): Promise<Credentials> {
  const { KubeConfig: Library } = await import("@kubernetes/client-node");
  const library = new Library();
  library.loadFromOptions({
    clusters: [{ name: "it", server, skipTLSVerify: false }],
    users: [{ name: "me", authProvider: entry.user?.["auth-provider"] }],
    contexts: [{ name: "here", cluster: "it", user: "me" }],
    currentContext: "here",
  });
  return {
    kind: "provider",
    async get() {
      const applied: { headers?: Record<string, string> } = {};
      await library.applyToHTTPSOptions(applied);
      const token = applied.headers?.["Authorization"]?.replace(/^Bearer /, "");
      if (!token) throw new Error("the OpenID Connect provider gave no token");
      // The library keeps the token and knows when it ends, so it is asked again soon.
      return { token, expiresAt: Date.now() + 60_000 };
    },
  };
}

async function credentialsOf(
  reading: Reading,
  entry: UserEntry | undefined,
  cluster: ClusterEntry,
  ca: string | undefined,
): Promise<Credentials> {
  const { problems, env, interactive, where } = reading;
  const user = entry?.user;
  if (!entry || !user) return { kind: "none" };
  const { directory } = entry;
  const { exec } = user;
  if (user.username) problems.push("username and password: API servers take none since Kubernetes 1.19");
  for (const field of ["as-uid", "as-user-extra"] as const) {
    if (user[field] !== undefined) problems.push(`${field} is not supported`);
  }
  const certificateData = user["client-certificate-data"];
  const keyData = user["client-key-data"];
  const certificate = await pem(
    reading,
    "client-certificate",
    certificateData,
    user["client-certificate"],
    directory,
  );
  const key = await pem(reading, "client-key", keyData, user["client-key"], directory);
  if ((certificate === undefined) !== (key === undefined)) {
    problems.push("client-certificate and client-key: expected both or none");
  }
  if (exec) {
    const { server } = cluster.cluster;
    const extension = cluster.cluster.extensions?.find(
      (one) => one.name === "client.authentication.k8s.io/exec",
    );
    const told = {
      server,
      "tls-server-name": cluster.cluster["tls-server-name"] ?? undefined,
      "insecure-skip-tls-verify": cluster.cluster["insecure-skip-tls-verify"] ?? undefined,
      "certificate-authority-data": ca === undefined ? undefined : Buffer.from(ca).toString("base64"),
      config: extension?.extension,
    };
    const get = async () => {
      try {
        return await runExecPlugin(exec, { directory, env, cluster: told, interactive });
      } catch (cause) {
        throw new KubeError({ code: "unauthorized", detail: `${where}: ${why(cause)}`, cause });
      }
    };
    return { kind: "provider", get };
  }
  if (certificate !== undefined && key !== undefined) {
    const token = user.token ?? undefined;
    return token === undefined
      ? { kind: "client-certificate", certificate, key }
      : { kind: "provider", get: () => Promise.resolve({ certificate, key, token }) };
  }
  if (user.tokenFile) {
    try {
      return { kind: "token-file", path: placed(user.tokenFile, directory) };
    } catch (error) {
      problems.push(`tokenFile ${user.tokenFile}: ${why(error)}`);
    }
  }
  if (user.token) return { kind: "token", token: user.token };
  const provider = user["auth-provider"];
  if (provider?.name === "oidc") return oidcProvider(entry, cluster.cluster.server);
  if (provider)
    problems.push(`auth-provider ${provider.name}: gone since Kubernetes 1.26, expected an exec plugin`);
  return { kind: "none" };
}

/**
 * The config of a context of a kubeconfig. Certificates given as files are read now, token files stay files, exec
 * credential plugins are run when a credential is needed and again 30 s before it ends.
 *
 * @example
 * const kube = createKube(await fromKubeconfig({ context: "kind-test" }));
 * @throws KubeError `invalid`, naming file and context and listing every problem
 */
export async function fromKubeconfig(options: KubeconfigOptions = {}): Promise<KubeConfig> {
  const env = options.env ?? process.env;
  const file = await readKubeconfig({ text: options.text, path: options.path, env });
  const name = options.context ?? file.currentContext;
  const names = [...file.contexts.keys()];
  const there = names.length === 0 ? "it has no contexts" : `its contexts are ${names.join(", ")}`;
  if (name === undefined)
    throw unusable(file.where, [`no context given and no current-context set; ${there}`]);
  const context = file.contexts.get(name);
  if (!context) throw unusable(file.where, [`context ${JSON.stringify(name)} does not exist; ${there}`]);
  const where = `${file.where}, context ${JSON.stringify(name)}`;
  const reading: Reading = {
    problems: [],
    env,
    where,
    interactive: options.interactive ?? process.stdin.isTTY,
  };
  const { problems } = reading;
  const cluster = file.clusters.get(context.context.cluster);
  const user = context.context.user ? file.users.get(context.context.user) : undefined;
  if (context.context.user && !user)
    problems.push(`user ${JSON.stringify(context.context.user)} does not exist`);
  if (!cluster) {
    throw unusable(where, [...problems, `cluster ${JSON.stringify(context.context.cluster)} does not exist`]);
  }
  const of = cluster.cluster;
  if (of["proxy-url"]) problems.push("proxy-url is not supported");
  const caData = of["certificate-authority-data"];
  const ca = await pem(
    reading,
    "certificate-authority",
    caData,
    of["certificate-authority"],
    cluster.directory,
  );
  const credentials = await credentialsOf(reading, user, cluster, ca);
  if (problems.length > 0) throw unusable(where, problems);
  const as = user?.user?.as;
  const groups = user?.user?.["as-groups"] ?? [];
  if (!as && groups.length > 0) throw unusable(where, ["as-groups without as"]);
  return {
    server: of.server,
    credentials,
    namespace: context.context.namespace ?? "default",
    ...(ca === undefined ? {} : { ca }),
    ...(of["tls-server-name"] ? { tlsServerName: of["tls-server-name"] } : {}),
    ...(of["insecure-skip-tls-verify"] ? { insecureSkipTlsVerify: true } : {}),
    ...(as ? { impersonate: { user: as, groups } } : {}),
  };
}
