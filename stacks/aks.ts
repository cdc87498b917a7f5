import { AksCluster, type AksClusterArgs } from "@gatehouse/azure";
import { Gate } from "@gatehouse/gate";
import { gateArgs, optional } from "./gate-args.ts";
import { wireRegistries } from "./registries.ts";
import type { Settings } from "./settings.ts";

/** A gate for an AKS cluster that exists, reading the registries that the settings name. */
export async function aks(settings: Settings): Promise<Gate> {
  const cluster = new AksCluster("cluster", {
    clusterName: settings.clusterName,
    ...settings.aks,
    ...optional(settings, ["labels"]),
  } as AksClusterArgs);
  return new Gate("gate", {
    ...gateArgs(settings, await wireRegistries(settings, cluster.issuer)),
    cluster: cluster.facts,
    kubeconfig: cluster.kubeconfig,
  });
}
