/** What there is in a cluster, to see that nothing is left. */
import type { Cluster } from "../cluster/cluster.ts";
import { kubectl } from "../cluster/testing/kubernetes.ts";

/** Every object of the cluster, but for those that come and go by themselves. */
export async function inventory(cluster: Cluster): Promise<string[]> {
  const kinds = await kubectl(cluster, "api-resources", "--verbs=list", "-o", "name");
  const passing = /^(events|leases|endpoints|endpointslices|nodes|pods|replicasets)(\.|$)/;
  const wanted = kinds.split("\n").filter((kind) => kind !== "" && !passing.test(kind));
  const listed = await kubectl(cluster, "get", wanted.join(","), "-A", "-o", "name");
  return listed.split("\n").filter(Boolean).sort();
}
