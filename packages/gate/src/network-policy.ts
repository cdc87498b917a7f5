import type { input as k8s } from "@pulumi/kubernetes/types/index.js";
import { selectorLabels, type Part } from "./names.ts";
import type { GateSettings } from "./settings.ts";

/**
 * Anybody may reach the port that a part answers at, since the addresses that API servers call from are not known, on managed
 * clouds not even stable; the webhook's URL is a secret, and the observer asks for a token. Egress stays open: registries
 * and clouds have no addresses to list.
 */
export function networkPolicy(part: Part, settings: GateSettings): k8s.networking.v1.NetworkPolicySpec {
  const port = (number: number) => [{ port: number, protocol: "TCP" }];
  return {
    podSelector: { matchLabels: selectorLabels(part) },
    policyTypes: ["Ingress"],
    ingress: [{ ports: port(settings.targetPort) }],
  };
}
