/**
 * What the clouds' components share with `Gate`: checks of arguments, the error that lists them, the identity of a gate
 * and a kubeconfig without credentials. Apart from the module itself, so that a cloud's package does not load the Gate.
 * @module
 */
export * from "./argument-checks.ts";
export type { ClusterFacts } from "./args.ts";
export { argumentError } from "./errors.ts";
export { execKubeconfig, type ExecKubeconfig } from "./exec-kubeconfig.ts";
export {
  clusterProblems,
  gateAccounts,
  issuerProblems,
  type ClusterIdentity,
  type GateAccount,
} from "./identity.ts";
export { LEAST_KUBERNETES, versionProblems } from "./kubernetes-version.ts";
export { tokenFile } from "./pod-paths.ts";
export { scanTermsProblems } from "./scan-terms.ts";
