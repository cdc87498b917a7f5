/** Names that `Gate` gives; the command line does not depend on its package. Held against a real gate by a test. */
export const gateNames = {
  /** Both the service and the validating registration. */
  service: "gatehouse",
  validating: "gatehouse",
  pinning: "gatehouse-pin",
  webhook: "validate.gatehouse.dev",
  serviceAccount: "gatehouse",
  policyHash: "gatehouse.dev/policy-hash",
  mode: "gatehouse.dev/mode",
  /** The match condition that holds the excluded namespaces. */
  exclusion: "not-excluded",
} as const;

/** The labels of one part's Pods, as a selector. */
export function partSelector(part: "judge" | "observer"): string {
  return `app.kubernetes.io/name=gatehouse,app.kubernetes.io/component=${part}`;
}
