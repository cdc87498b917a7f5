import type { input as k8s } from "@pulumi/kubernetes/types/index.js";
import { METRICS_PORT } from "./network-policy.ts";
import { selectorLabels, type Part } from "./names.ts";

/** The port that the API server calls. */
export const SERVICE_PORT = 443;

/** The service of a part: where it answers, and where Prometheus' operator finds its metrics. */
export function serviceOf(part: Part): k8s.core.v1.ServiceSpec {
  return {
    selector: selectorLabels(part),
    ports: [
      { name: "https", port: SERVICE_PORT, targetPort: "https" },
      { name: "metrics", port: METRICS_PORT, targetPort: "metrics" },
    ],
  };
}

/** Voluntary disruptions take one replica at a time; one that does not work may always be evicted. */
export function judgeDisruptionBudget(): k8s.policy.v1.PodDisruptionBudgetSpec {
  return {
    maxUnavailable: 1,
    unhealthyPodEvictionPolicy: "AlwaysAllow",
    selector: { matchLabels: selectorLabels("judge") },
  };
}
