/**
 * AKS clusters and ACR scanning for Gatehouse.
 * @module
 */
export * from "./acr-args.ts";
export { AcrScanning } from "./acr-scanning.ts";
export { AksCluster, KubeLogin, type AksClusterArgs } from "./aks-cluster.ts";
export { AzureEnvironment } from "./environments.ts";
