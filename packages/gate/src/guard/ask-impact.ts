import { resources, type Kube } from "@gatehouse/kube";
import type { Impact, Regime, RunningDigests } from "@gatehouse/policy";
import {
  annotations,
  CALLER_AUDIENCE,
  CALLER_SERVICE_ACCOUNT,
  OBSERVER_SERVICE,
  selectorLabels,
} from "../names.ts";

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

/** Longest that one question waits for its answer: an API server's proxy gives up after a minute. */
const ONE_QUESTION_MS = 60_000;

/**
 * Asks the observer what a proposal would do, through the API server's service proxy. That strips identity, so a
 * short-lived token of a service account goes along in a header of its own. An observer that is still looking reports
 * up is asked again.
 *
 * @throws Error when there is no answer that can be believed
 */
export async function askImpact(kube: Kube, question: ImpactQuestion): Promise<ImpactAnswer> {
  const { namespace, after, running, timeoutMs } = question;
  const { now, sleep } = kube.surroundings;
  const deadline = now() + timeoutMs;
  const policyHash = await observedPolicy(kube, namespace);
  const { token } = await kube.tokenRequest(namespace, CALLER_SERVICE_ACCOUNT, {
    audiences: [CALLER_AUDIENCE],
    expirationSeconds: 600,
  });
  for (;;) {
    const answer = await kube.serviceProxy(
      namespace,
      { scheme: "https", service: OBSERVER_SERVICE, port: "https" },
      "/v1/impact",
      {
        method: "POST",
        body: JSON.stringify({ policy: after.policy, mode: after.mode, running }),
        headers: { "x-gatehouse-token": token, "content-type": "application/json" },
        timeoutMs: Math.max(1, Math.min(ONE_QUESTION_MS, deadline - now())),
      },
    );
    if (answer.status === 200) return { policyHash, impact: impactOf(answer.text) };
    const pauseMs = 1000 * Number(answer.headers.get("retry-after") ?? Number.NaN);
    if (answer.status !== 503 || !(pauseMs > 0) || now() + pauseMs >= deadline)
      throw new Error(`the observer answered ${answer.status}: ${refusalOf(answer.text)}`);
    await sleep(pauseMs);
  }
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

function impactOf(text: string): Impact {
  const value: unknown = JSON.parse(text);
  const lists = ["newlyDenied", "newlyAudited", "newlyAdmitted", "violatesNow", "unscanned", "fixes"];
  const isImpact =
    typeof value === "object" &&
    value !== null &&
    lists.every((list) => Array.isArray((value as Record<string, unknown>)[list]));
  if (!isImpact) throw new Error("the observer is of another version, whose impact cannot be read");
  return value as Impact;
}

function refusalOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message : "no reason given";
  } catch {
    return "no reason given";
  }
}
