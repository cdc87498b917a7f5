/**
 * What tests ask of a cluster, with kubectl as the client.
 *
 * @module
 */
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import type { Cluster } from "../cluster.ts";

/** Runs kubectl and returns its standard output. @throws with its standard error when it fails. */
export async function kubectl(cluster: Cluster, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args);
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr.trim()}`);
  return stdout;
}

/** Applies objects on the server's side. @throws when one is refused. */
export async function apply(cluster: Cluster, ...items: readonly object[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  const { code, stderr } = await cluster.kubectl(
    ["apply", "--server-side", "--force-conflicts", "-f", "-"],
    list,
  );
  if (code !== 0) throw new Error(stderr.trim());
}

/** Reads one object or list as JSON, with arguments as for `kubectl get`. */
export async function get<T>(cluster: Cluster, ...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(cluster, "get", "-o", "json", ...args)) as T;
}

/** All Pods with a label `app`, in the order of their names. */
export async function podsOf(cluster: Cluster, app: string): Promise<Pod[]> {
  const { items } = await get<{ items: Pod[] }>(cluster, "pods", "-l", `app=${app}`);
  return items;
}

/** Waits for a Deployment to be rolled out. */
export async function rolledOut(cluster: Cluster, name: string, seconds = 60): Promise<void> {
  await kubectl(cluster, "rollout", "status", `deployment/${name}`, `--timeout=${seconds}s`);
}
