import type { input as k8s } from "@pulumi/kubernetes/types/index.js";
import type { MetricsReader } from "./args.ts";
import { selectorLabels, type Part } from "./names.ts";
import type { GateSettings } from "./settings.ts";

/** Where judge and observer show their metrics: the port that OpenTelemetry's Prometheus exporters have by default. */
export const METRICS_PORT = 9464;

/**
 * Anybody may reach the port that a part answers at, since the addresses that API servers call from are not known, on managed
 * clouds not even stable; the webhook's URL is a secret, and the observer asks for a token. Metrics are for whom
 * `metricsFrom` names. Egress stays open: registries and clouds have no addresses to list.
 */
export function networkPolicy(
  part: Part,
  { targetPort, metricsFrom }: Pick<GateSettings, "targetPort" | "metricsFrom">,
): k8s.networking.v1.NetworkPolicySpec {
  const ports = (port: number) => [{ port, protocol: "TCP" }];
  return {
    podSelector: { matchLabels: selectorLabels(part) },
    policyTypes: ["Ingress"],
    ingress: [
      { ports: ports(targetPort) },
      // A rule with an empty `from` would let everybody in.
      ...(metricsFrom.length === 0 ? [] : [{ ports: ports(METRICS_PORT), from: metricsFrom.map(peer) }]),
    ],
  };
}

function peer(reader: MetricsReader): k8s.networking.v1.NetworkPolicyPeer {
  if ("cidr" in reader) return { ipBlock: { cidr: reader.cidr } };
  return {
    // The API server sets this label and lets nobody change it.
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": reader.namespace } },
    ...(reader.podLabels === undefined ? {} : { podSelector: { matchLabels: reader.podLabels } }),
  };
}
