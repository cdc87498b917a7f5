/** Questions to the observer whose answers take a while: an impact, a snapshot. */
import {
  createKube,
  createServiceCaller,
  isKubeError,
  ServiceRefusal,
  type Kube,
  type ServiceCaller,
} from "@gatehouse/kube";
import { fromKubeconfig } from "@gatehouse/kube/kubeconfig";
import { readImpact, type Impact, type Mode, type Policy, type RunningDigests } from "@gatehouse/policy";
import { UsageError } from "../exit.ts";
import { mended, observerOf, refused, type ConnectionOptions } from "./connection.ts";

/** Longest that one question to the observer may take, waiting for reports included, in milliseconds. */
export const questionMs = 180_000;

/** Asks the observer; an answer has status 200. @throws UsageError in words that say what is missing */
export async function openObserver(options: ConnectionOptions): Promise<ServiceCaller> {
  return await explained(options, async () => {
    const config = await fromKubeconfig({ path: options.kubeconfig, context: options.context });
    return callerOf(createKube(config, { userAgent: "gatehouse-cli" }), options);
  });
}

/** The same over a client. */
function callerOf(kube: Kube, options: Pick<ConnectionOptions, "gateNamespace" | "as">): ServiceCaller {
  const ask = createServiceCaller(kube, observerOf(options));
  return async (path, question) => await explained(options, async () => await ask(path, question));
}

/** What a change would do. @throws UsageError when there is no answer, or one that cannot be read */
export async function impactOf(
  ask: ServiceCaller,
  proposal: { policy: Policy; mode: Mode; running?: RunningDigests },
): Promise<Impact> {
  const { text } = await ask("/v1/impact", {
    method: "POST",
    body: JSON.stringify(proposal),
    timeoutMs: questionMs,
  });
  try {
    return readImpact(text);
  } catch (error) {
    throw new UsageError("GH3026", error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** An answer's JSON. @throws UsageError when it is none */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError("GH3026", "the observer's answer is no JSON", { cause: error });
  }
}

async function explained<T>(
  { gateNamespace }: Pick<ConnectionOptions, "gateNamespace">,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (isKubeError(error)) throw mended(error, gateNamespace);
    if (error instanceof ServiceRefusal) throw refused(error.status, error.message);
    throw error;
  }
}
