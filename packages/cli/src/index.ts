/**
 * What the command line is made of, for other programs.
 * @module
 */
export { loadPolicy, type LoadedPolicy } from "./load-policy.ts";
export { readManifests, type Manifest, type ManifestProblem } from "./input/manifests.ts";
export { policyDiff } from "./render/policy-diff.ts";
