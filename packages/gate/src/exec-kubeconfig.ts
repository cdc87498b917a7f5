/** Where a cluster answers, and the program that proves who asks. */
export interface ExecKubeconfig {
  /** Name of the cluster, its user and its context. */
  readonly name: string;
  /** `https://HOST[:PORT]` */
  readonly server: string;
  /** Base64 of the cluster's PEM certificates; absent where its certificate is a public one. */
  readonly certificateAuthorityData?: string;
  readonly exec: {
    readonly command: string;
    readonly args: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    /** Shown when the program is missing. */
    readonly installHint: string;
  };
}

/**
 * A kubeconfig that holds no credential: whoever uses it proves who they are by the cloud's own program. As JSON, which
 * is YAML too, with its keys in a fixed order, so that diffs are stable.
 */
export function execKubeconfig({ name, server, certificateAuthorityData, exec }: ExecKubeconfig): string {
  const env = Object.entries(exec.env ?? {}).map(([key, value]) => ({ name: key, value }));
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [
      {
        name,
        cluster: {
          server,
          ...(certificateAuthorityData === undefined
            ? {}
            : { "certificate-authority-data": certificateAuthorityData }),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    users: [
      {
        name,
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            command: exec.command,
            args: exec.args,
            ...(env.length === 0 ? {} : { env }),
            installHint: exec.installHint,
            interactiveMode: "Never",
            provideClusterInfo: false,
          },
        },
      },
    ],
  });
}
