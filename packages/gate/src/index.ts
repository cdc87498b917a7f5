/**
 * The gate as a Pulumi component.
 * @module
 */
export * from "./args.ts";
export { Gate } from "./gate.ts";
export {
  DEFAULT_NAMESPACE,
  DEFAULT_SERVICE_ACCOUNT,
  gateIdentity,
  type ClusterIdentity,
  type GateIdentity,
} from "./identity.ts";
export { filesDirectory, tokenFile } from "./pod-paths.ts";
