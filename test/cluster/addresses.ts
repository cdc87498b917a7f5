/**
 * The addresses inside a cluster's network namespace. They exist nowhere else, so every cluster uses the same ones.
 *
 * @module
 */

/** Where the API server listens for Pods and for the forwarder; endpoints refuse loopback addresses. */
export const apiServerAddress = "10.200.0.1";
export const apiServerPort = 6443;
/** The network from which `Cluster.publish` and `Cluster.run` may take addresses, for what is outside of the cluster. */
export const outsideNetwork = "10.200.0.0/16";
export const serviceNetwork = "10.96.0.0/16";
/** First address of `serviceNetwork`: the Service `default/kubernetes`. */
export const kubernetesServiceAddress = "10.96.0.1";
export const dnsAddress = "10.96.0.10";
export const podNetwork = "10.244.0.0/16";
/** Every Pod's default route. */
export const podGateway = "10.244.0.1";
export const clusterDomain = "cluster.local";

/** The address of the node with this number, counted from 0. */
export function nodeAddress(index: number): string {
  return `10.201.0.${index + 1}`;
}
