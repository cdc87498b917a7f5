import { Gate } from "@gatehouse/gate";
import { GkeCluster, type GkeClusterArgs } from "@gatehouse/gcp";
import { gateArgs, optional } from "./gate-args.ts";
import { wireRegistries } from "./registries.ts";
import type { Settings } from "./settings.ts";

/** A gate for a GKE cluster that exists, reading the registries that the settings name. */
export async function gke(settings: Settings): Promise<Gate> {
  const cluster = new GkeCluster("cluster", {
    clusterName: settings.clusterName,
    ...settings.gke,
    ...optional(settings, ["labels"]),
  } as GkeClusterArgs);
  return new Gate("gate", {
    ...gateArgs(settings, await wireRegistries(settings, cluster.issuer)),
    cluster: cluster.facts,
    kubeconfig: cluster.kubeconfig,
    // What Google's own firewall rule lets the control plane reach, or what the stack's rule opens.
    targetPort: cluster.targetPort,
  });
}
