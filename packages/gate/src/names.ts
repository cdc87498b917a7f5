/** Names and labels that more than one object of the gate refers to. */
import { observerNames } from "@gatehouse/policy";

/** Type token of the component. */
export const GATE_TYPE = "gatehouse:index:Gate";

/** The service that the API server calls. */
export const SERVICE_NAME = "gatehouse";
/** Fixed, so that a second Gate for the same cluster finds the first. */
export const VALIDATING_NAME = "gatehouse";
/** Fixed, like {@link VALIDATING_NAME}. */
export const PINNING_NAME = "gatehouse-pin";
/** The break-glass ConfigMap, which people edit by hand in an emergency. */
export const EMERGENCY_NAME = "gatehouse-emergency";
/** Names of the webhooks inside their configurations: API servers put them before every refusal. */
export const VALIDATING_WEBHOOK = "validate.gatehouse.dev";
/** The same, of the webhook that puts digests for tags. */
export const PINNING_WEBHOOK = "pin.gatehouse.dev";

/** The observer's service, whose name its certificate bears; its port is called `https`. */
export const OBSERVER_SERVICE = observerNames.service;
/** The service account as which the observer is asked: whoever may request its tokens may ask. */
export const CALLER_SERVICE_ACCOUNT = observerNames.caller;
/** The audience of those tokens. */
export const CALLER_AUDIENCE = observerNames.audience;

/** Annotations that say what a cluster's gate enforces; written when a roll-out has succeeded. */
export const annotations = {
  policyHash: "gatehouse.dev/policy-hash",
  mode: "gatehouse.dev/mode",
  /** What verdicts depend on beside these; see `judging.ts`. */
  judging: "gatehouse.dev/judging",
  /** Which Pulumi project, stack and component made it. */
  owner: "gatehouse.dev/owner",
} as const;

/** The two parts of the gate that run in the cluster. */
export type Part = "judge" | "observer";

/** Labels that selectors use. They never change: selectors of Deployments cannot. */
export function selectorLabels(part: Part): Record<string, string> {
  return { "app.kubernetes.io/name": "gatehouse", "app.kubernetes.io/component": part };
}

/** Labels of everything that belongs to the gate. */
export const commonLabels: Readonly<Record<string, string>> = {
  "app.kubernetes.io/name": "gatehouse",
  "app.kubernetes.io/part-of": "gatehouse",
  "app.kubernetes.io/managed-by": "pulumi",
};
