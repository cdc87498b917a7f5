/**
 * GKE clusters and Artifact Registry scanning for Gatehouse.
 * @module
 */
export type { ArtifactRegistryScanningArgs, CreateProvider, GkeMetadata } from "./artifact-registry-args.ts";
export { ArtifactRegistryScanning } from "./artifact-registry-scanning.ts";
export * from "./gke-cluster.ts";
