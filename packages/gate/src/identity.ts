/** Who the gate is inside its cluster: what registries are told to trust. */
export interface GateIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** The namespace that the gate lives in unless it is told another. */
export const DEFAULT_NAMESPACE = "gatehouse";
/** The service account that the gate runs as unless it is told another. */
export const DEFAULT_SERVICE_ACCOUNT = "gatehouse";

/**
 * The identity of a gate. Plain data that exists before the `Gate` does, so that a registry's federation can be made
 * first and its source be passed to the `Gate`, without a cycle.
 *
 * @example
 * const identity = gateIdentity();
 * const scanning = new EcrScanning("ecr", { cluster: { issuer, ...identity }, … });
 * new Gate("gate", { ...identity, sources: [scanning.source], … });
 */
export function gateIdentity(
  namespace: string = DEFAULT_NAMESPACE,
  serviceAccount: string = DEFAULT_SERVICE_ACCOUNT,
): GateIdentity {
  return { namespace, serviceAccount };
}
