import { EksCluster, type EksClusterArgs } from "@gatehouse/aws";
import { Gate } from "@gatehouse/gate";
import { gateArgs, optional } from "./gate-args.ts";
import { wireRegistries } from "./registries.ts";
import type { Settings } from "./settings.ts";

/** A gate for an EKS cluster that exists, reading the registries that the settings name. */
export async function eks(settings: Settings): Promise<Gate> {
  const cluster = new EksCluster("cluster", {
    clusterName: settings.clusterName,
    ...settings.eks,
    ...optional(settings, ["labels"]),
  } as EksClusterArgs);
  return new Gate("gate", {
    ...gateArgs(settings, await wireRegistries(settings, cluster.issuer)),
    cluster: cluster.facts,
    kubeconfig: cluster.kubeconfig,
  });
}
