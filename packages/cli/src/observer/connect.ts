/** The way to a cluster's observer, by whatever kubeconfig kubectl would use. */
import { Option, type Command } from "commander";
import { createKube, createServiceCaller, isKubeError, type ServiceCaller } from "@gatehouse/kube";
import { observerNames, observerService } from "@gatehouse/policy";
import { UsageError } from "../exit.ts";

/** Which observer is asked, as the command line gives it. */
export interface ObserverOptions {
  context?: string;
  kubeconfig?: string;
  gateNamespace: string;
}

/** Longest that one call to the API server takes, in milliseconds. */
const callMs = 30_000;
/** Longest that one question to the observer may take, waiting for reports included, in milliseconds. */
export const questionMs = 180_000;

/** Adds the options of {@link ObserverOptions} to a command. */
export function withObserverOptions(command: Command): Command {
  return command
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--kubeconfig <file>", "kubeconfig (default: the one that kubectl uses)")
    .addOption(
      new Option("--gate-namespace <name>", "namespace that the gate lives in").default(
        observerNames.namespace,
      ),
    );
}

/** Asks the observer; answers have status 200. @throws UsageError in words that say what is missing */
export async function openObserver(options: ObserverOptions): Promise<ServiceCaller> {
  return await explained(options, async () => {
    // Heavy, and of use to these commands only.
    const { fromKubeconfig } = await import("@gatehouse/kube/kubeconfig");
    const config = await fromKubeconfig({ path: options.kubeconfig, context: options.context });
    const kube = createKube(config, { timeoutMs: callMs, userAgent: "gatehouse-cli" });
    const ask = createServiceCaller(kube, observerService(options.gateNamespace));
    return async (path, question) => await explained(options, async () => await ask(path, question));
  });
}

async function explained<T>({ gateNamespace }: ObserverOptions, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new UsageError(
      `the observer cannot be asked: ${error instanceof Error ? error.message : String(error)}${hint(error, gateNamespace)}`,
      { cause: error },
    );
  }
}

function hint(error: unknown, namespace: string): string {
  if (isKubeError(error, "not-found"))
    return `\nIs the gate deployed, in namespace ${namespace}? Name another with --gate-namespace.`;
  if (isKubeError(error, "forbidden"))
    return `\nWhoever asks needs "create" on serviceaccounts/token ${observerNames.caller} and "get" and "create" on services/proxy ${observerNames.service}, both in namespace ${namespace}.`;
  if (isKubeError(error, "unavailable")) return "\nThe API server answers for no observer that is ready.";
  return "";
}
