import type { input as k8s } from "@pulumi/kubernetes/types/index.js";
import { selectorLabels } from "./names.ts";
import type { GateSettings } from "./settings.ts";

/**
 * Anybody may reach the webhook's port, since the addresses that API servers call from are not known, on managed
 * clouds not even stable; its URL is a secret. Egress stays open: registries
 * and clouds have no addresses to list.
 */
export function judgeNetworkPolicy(settings: GateSettings): k8s.networking.v1.NetworkPolicySpec {
  const port = (number: number) => [{ port: number, protocol: "TCP" }];
  return {
    podSelector: { matchLabels: selectorLabels("judge") },
    policyTypes: ["Ingress"],
    ingress: [{ ports: port(settings.targetPort) }],
  };
}
