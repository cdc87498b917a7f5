/**
 * EKS clusters and ECR scanning for Gatehouse.
 * @module
 */
export * from "./ecr-args.ts";
export { EcrScanning } from "./ecr-scanning.ts";
export { EksCluster, type EksClusterArgs } from "./eks-cluster.ts";
export { crossAccountPolicy } from "./policies.ts";
