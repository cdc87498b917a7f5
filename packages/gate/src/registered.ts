import type { Input } from "@pulumi/pulumi";
import { canonicalJson, type Policy } from "@gatehouse/policy";
import { runningEntries } from "./judging.ts";
import type { GateSettings } from "./settings.ts";

/**
 * The inputs that the component is registered with: what the guard compares when one of them changes, and what the
 * preview shows as the change. Everything else about a Gate is in its children.
 */
export interface RegisteredInputs {
  readonly policy: Policy;
  readonly mode: GateSettings["mode"];
  readonly caGenerations: readonly string[];
  /** Unknown while what the cluster or a source is made of is. */
  readonly judging: Input<string>;
  readonly running: readonly string[];
  /** Unknown while the cluster's kubeconfig is; see `Connection`. */
  readonly connection: Input<string>;
}

/** Those of them that are known before anything runs. */
export type PlainInputs = Omit<RegisteredInputs, "connection" | "judging">;

/** The registered inputs of a Gate; keys in their canonical order, so that writing a policy anew is no change. */
export function registeredInputs(settings: GateSettings): PlainInputs {
  return {
    policy: JSON.parse(canonicalJson(settings.policy, "policy")) as Policy,
    mode: settings.mode,
    caGenerations: [...settings.caGenerations],
    running: runningEntries(settings.running),
  };
}
