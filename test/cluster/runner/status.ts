/**
 * A Pod's status, made from the states of its containers.
 *
 * @module
 */
import type { ContainerStatus, Pod, PodCondition, PodStatus } from "kubernetes-types/core/v1.d.ts";
import type { PodFacts } from "./fields.ts";

/** What is known of a Pod's containers. */
export interface PodView {
  readonly init: readonly ContainerStatus[];
  readonly main: readonly ContainerStatus[];
  readonly ephemeral: readonly ContainerStatus[];
  readonly initialized: boolean;
  readonly facts: PodFacts;
  readonly startTime: string;
}

/** Builds the status. Conditions keep their time of transition from `previous` as long as they say the same. */
export function podStatus(
  pod: Pod,
  view: PodView,
  previous: readonly PodCondition[],
  now: Date,
): PodStatus & { readonly observedGeneration?: number } {
  const unready = view.main.filter(({ ready }) => !ready).map(({ name }) => name);
  const allReady = view.initialized && unready.length === 0;
  const gates = (pod.spec?.readinessGates ?? []).every(
    ({ conditionType }) =>
      pod.status?.conditions?.find(({ type }) => type === conditionType)?.status === "True",
  );
  const phase = phaseOf(pod, view);
  const why =
    phase === "Succeeded"
      ? { reason: "PodCompleted" }
      : { reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` };
  const conditions = [
    condition("PodReadyToStartContainers", true),
    condition("Initialized", view.initialized, { reason: "ContainersNotInitialized" }),
    condition("ContainersReady", allReady, why),
    condition("Ready", allReady && gates, allReady ? { reason: "ReadinessGatesNotReady" } : why),
  ].map((next) => {
    const before = previous.find(({ type }) => type === next.type);
    const same = before?.status === next.status;
    return {
      ...next,
      lastTransitionTime: (same ? before?.lastTransitionTime : undefined) ?? now.toISOString(),
    };
  });
  return {
    phase,
    conditions,
    hostIP: view.facts.hostIp,
    podIP: view.facts.podIp,
    podIPs: [{ ip: view.facts.podIp }],
    startTime: view.startTime,
    qosClass: pod.status?.qosClass ?? "BestEffort",
    containerStatuses: [...view.main],
    ...(view.init.length > 0 && { initContainerStatuses: [...view.init] }),
    ...(view.ephemeral.length > 0 && { ephemeralContainerStatuses: [...view.ephemeral] }),
    ...(pod.metadata?.generation !== undefined && { observedGeneration: pod.metadata.generation }),
  };
}

function condition(type: string, holds: boolean, why: { reason: string; message?: string } = { reason: "" }) {
  return holds ? { type, status: "True" } : { type, status: "False", ...why };
}

function phaseOf(pod: Pod, { init, main, initialized }: PodView): string {
  const failedInit = init.some(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
  if (!initialized) return failedInit && pod.spec?.restartPolicy === "Never" ? "Failed" : "Pending";
  const ended = main.every(({ state }) => state?.terminated !== undefined);
  if (ended && (pod.spec?.restartPolicy !== "Always" || pod.metadata?.deletionTimestamp !== undefined)) {
    return main.some(({ state }) => state?.terminated?.exitCode !== 0) ? "Failed" : "Succeeded";
  }
  const created = main.every(
    ({ state, lastState }) => state?.waiting === undefined || lastState !== undefined,
  );
  return created ? "Running" : "Pending";
}
