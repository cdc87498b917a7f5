import type { Kube } from "@gatehouse/kube";
import type { Impact, Regime } from "@gatehouse/policy";

/** Where the observer answers, and as whom it is asked. */
export interface ObserverAddress {
  readonly namespace: string;
}

/** The observer's service; its port has the name `https`. */
export const OBSERVER_SERVICE = "gatehouse-observer";
/** The service account whose right to ask is checked; whoever may request its token may ask. */
export const CALLER_SERVICE_ACCOUNT = "gatehouse-caller";
/** The audience of that token. */
export const CALLER_AUDIENCE = "gatehouse";

/** An answer of the observer. */
export interface ImpactAnswer {
  /** Hash of the policy that it judged as being in force. */
  readonly policyHash: string;
  /** Whether its inventory and reports were all there; else the impact is a part of the truth. */
  readonly complete: boolean;
  readonly impact: Impact;
}

/**
 * Asks the observer what a proposal would do, through the API server's service proxy. That strips identity, so a
 * short-lived token of a service account goes along in a header of its own.
 *
 * @throws Error when there is no answer that can be believed
 */
export async function askImpact(
  kube: Kube,
  { namespace }: ObserverAddress,
  after: Regime,
  timeoutMs: number,
): Promise<ImpactAnswer> {
  const { token } = await kube.tokenRequest(namespace, CALLER_SERVICE_ACCOUNT, {
    audiences: [CALLER_AUDIENCE],
    expirationSeconds: 600,
    timeoutMs,
  });
  const answer = await kube.serviceProxy(
    namespace,
    { scheme: "https", service: OBSERVER_SERVICE, port: "https" },
    "/v1/impact",
    {
      method: "POST",
      body: JSON.stringify({ policy: after.policy, mode: after.mode }),
      headers: { "x-gatehouse-token": token, "content-type": "application/json" },
      timeoutMs,
    },
  );
  if (answer.status !== 200) throw new Error(`the observer answered with status ${answer.status}`);
  const value: unknown = JSON.parse(answer.text);
  if (!isAnswer(value)) throw new Error("the observer's answer is of another version");
  return value;
}

function isAnswer(value: unknown): value is ImpactAnswer {
  if (typeof value !== "object" || value === null) return false;
  const { policyHash, complete, impact } = value as Partial<Record<keyof ImpactAnswer, unknown>>;
  return (
    typeof policyHash === "string" &&
    typeof complete === "boolean" &&
    typeof impact === "object" &&
    impact !== null &&
    ["newlyDenied", "newlyAudited", "newlyAdmitted", "unscanned", "fixes"].every((list) =>
      Array.isArray((impact as Record<string, unknown>)[list]),
    )
  );
}
