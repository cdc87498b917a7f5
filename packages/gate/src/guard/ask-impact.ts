import { createServiceCaller, resources, type Kube } from "@gatehouse/kube";
import {
  observerService,
  readImpact,
  type Impact,
  type Regime,
  type RunningDigests,
} from "@gatehouse/policy";
import { annotations, selectorLabels } from "../names.ts";

/** What the observer is asked, and how long it may take. */
export interface ImpactQuestion {
  /** The gate's namespace. */
  readonly namespace: string;
  readonly after: Regime;
  readonly running: RunningDigests;
  /** For all of it, in milliseconds. */
  readonly timeoutMs: number;
}

/** An answer of the observer. */
export interface ImpactAnswer {
  /** Hash of the policy that it compared with as being in force. */
  readonly policyHash: string;
  readonly impact: Impact;
}

/**
 * Asks the observer what a proposal would do; see `createServiceCaller`. An observer that is still looking reports up
 * is asked again.
 *
 * @throws Error when there is no answer that can be believed
 */
export async function askImpact(kube: Kube, question: ImpactQuestion): Promise<ImpactAnswer> {
  const { namespace, after, running, timeoutMs } = question;
  const deadline = kube.surroundings.now() + timeoutMs;
  const policyHash = await observedPolicy(kube, namespace);
  const ask = createServiceCaller(kube, observerService(namespace));
  const { text } = await ask("/v1/impact", {
    method: "POST",
    body: JSON.stringify({ policy: after.policy, mode: after.mode, running }),
    timeoutMs: deadline - kube.surroundings.now(),
  });
  return { policyHash, impact: readImpact(text) };
}

/**
 * The policy that the observer's Pod was deployed with. Observer and judges are rolled out one after the other, so
 * that they may differ after a failure.
 */
async function observedPolicy(kube: Kube, namespace: string): Promise<string> {
  const labelSelector = Object.entries(selectorLabels("observer"))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const { items } = await kube.list(resources.pods, {
    namespace,
    labelSelector,
    metadataOnly: true,
  });
  const hashes = new Set(items.map(({ metadata }) => metadata.annotations?.[annotations.policyHash]));
  const [hash] = hashes;
  if (hashes.size === 0) throw new Error("no observer runs");
  if (hashes.size > 1 || hash === undefined) throw new Error("the observer is being replaced; try again");
  return hash;
}
