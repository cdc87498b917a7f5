/** The observer of a cluster, asked through the API server's service proxy. */
import { Option, type Command } from "commander";
import {
  createKube,
  createServiceIdentity,
  isKubeError,
  type Answer,
  type CalledService,
  type Kube,
  type KubeError,
  type Query,
} from "@gatehouse/kube";
import { fromKubeconfig } from "@gatehouse/kube/kubeconfig";
import { observerService, type CommandCode } from "@gatehouse/policy";
import { UsageError } from "../exit.ts";

/** Which observer, and as whom, as the command line gives it. */
export interface ConnectionOptions {
  /** @default the kubeconfig's current one */
  context?: string;
  /** A file. @default KUBECONFIG, else ~/.kube/config */
  kubeconfig?: string;
  gateNamespace: string;
  /** `NAMESPACE/NAME`. */
  as?: { namespace: string; name: string };
}

/** Adds the options of {@link ConnectionOptions} to a command. */
export function withConnectionOptions(command: Command): Command {
  return command
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--kubeconfig <file>", "kubeconfig (default: KUBECONFIG, else ~/.kube/config)")
    .option("--gate-namespace <name>", "namespace of the gate", "gatehouse")
    .addOption(
      new Option(
        "--as <namespace/name>",
        "service account that asks; you need the right to create its tokens (default: the gate's own caller)",
      ).argParser(account),
    );
}

function account(text: string): { namespace: string; name: string } {
  const [namespace = "", name = "", ...more] = text.split("/");
  if (namespace === "" || name === "" || more.length > 0)
    throw new UsageError(
      "GH3001",
      `--as: expected NAMESPACE/NAME of a service account, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  return { namespace, name };
}

/** How long a token is asked for, in seconds: news go on for as long as a page is open. */
const tokenSeconds = 3600;

/** The observer of the gate, asked by its own caller or by another account. */
export function observerOf({
  gateNamespace,
  as,
}: Pick<ConnectionOptions, "gateNamespace" | "as">): CalledService {
  return {
    ...observerService(gateNamespace),
    ...(as === undefined ? {} : { accountNamespace: as.namespace, serviceAccount: as.name }),
  };
}

/** An observer that can be asked. */
export interface ObserverConnection {
  /** Who asks. */
  readonly account: string;
  /** An answer of any status. @throws UsageError when there is none */
  get(path: string, options?: { query?: Query; timeoutMs?: number; signal?: AbortSignal }): Promise<Answer>;
  /** An answer that goes on; only ever with status 200. @throws KubeError */
  stream(path: string, options: { query?: Query; signal: AbortSignal }): Promise<Response>;
}

/** Connects by the kubeconfig. @throws UsageError when that cannot be used */
export async function connect(options: ConnectionOptions): Promise<ObserverConnection> {
  try {
    const kube = createKube(await fromKubeconfig({ context: options.context, path: options.kubeconfig }), {
      userAgent: "gatehouse-cli",
    });
    return connectionOf(kube, options);
  } catch (error) {
    throw mended(error, options.gateNamespace);
  }
}

/** A connection over a client. */
export function connectionOf(
  kube: Kube,
  options: Pick<ConnectionOptions, "gateNamespace" | "as">,
): ObserverConnection {
  const observer = observerOf(options);
  const { namespace, target, accountNamespace = namespace, serviceAccount } = observer;
  const identity = createServiceIdentity(kube, observer, { seconds: tokenSeconds });
  return {
    account: `${accountNamespace}/${serviceAccount}`,
    async get(path, question = {}) {
      try {
        return await kube.serviceProxy(namespace, target, path, { ...question, headers: await identity() });
      } catch (error) {
        if (question.signal?.aborted === true) throw error;
        throw mended(error, namespace);
      }
    },
    async stream(path, question) {
      return await kube.serviceProxyStream(namespace, target, path, {
        ...question,
        headers: await identity(),
      });
    },
  };
}

/** What the user can do about it. */
export function mended(error: unknown, namespace: string): unknown {
  if (!isKubeError(error)) return error;
  const hint = isKubeError(error, "forbidden")
    ? `. You need the right to create tokens of the service account (serviceaccounts/token) and to get services/proxy in namespace ${namespace}; --as names another account`
    : isKubeError(error, "not-found")
      ? `. Is the gate in namespace ${namespace}? --gate-namespace names another`
      : isKubeError(error, "unavailable")
        ? ". Does the observer run?"
        : "";
  return new UsageError(codeOfKube(error), `${error.message}${hint}`, { cause: error });
}

/** An API server that answers speaks of what is behind it; one that does not, of itself. */
function codeOfKube({ code, status }: KubeError): CommandCode {
  switch (code) {
    case "forbidden":
      return "GH3022";
    case "not-found":
      return "GH3023";
    case "unavailable":
    case "timeout":
      return status === undefined ? "GH3021" : "GH3024";
    default:
      return "GH3021";
  }
}

/** What the observer itself refused. */
export function refused(status: number, message: string): UsageError {
  const code = status === 401 || status === 403 ? "GH3022" : status >= 500 ? "GH3024" : "GH3025";
  return new UsageError(code, message);
}
