import type * as pulumi from "@pulumi/pulumi";
import { observerAccount, type Problem } from "@gatehouse/policy";
import { isLater, matching, name, show } from "./argument-checks.ts";
import type { Part } from "./names.ts";

/** Who the gate is inside its cluster: what registries are told to trust. */
export interface GateIdentity {
  readonly namespace: string;
  /** The judges'. The observer's is named after it; see {@link gateAccounts}. */
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

/** The gate of one cluster, as a registry's cloud knows it: all that a registry's federation needs. */
export interface ClusterIdentity {
  /** The cluster's OIDC issuer, exact to the letter, a slash at its end included. */
  issuer: pulumi.Input<string>;
  /** @default "gatehouse" */
  namespace?: string;
  /** @default "gatehouse" */
  serviceAccount?: string;
}

/** A service account that one part of the gate runs as. */
export interface GateAccount {
  readonly part: Part;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Of its tokens: `system:serviceaccount:NAMESPACE:NAME`. */
  readonly subject: string;
}

/**
 * The service accounts that a registry's federation must trust: both judge and observer ask it, each by itself. Two
 * accounts, because the observer may write into the cluster and the judge may not.
 *
 * @returns the judge's, then the observer's
 */
export function gateAccounts({
  namespace = DEFAULT_NAMESPACE,
  serviceAccount = DEFAULT_SERVICE_ACCOUNT,
}: Omit<ClusterIdentity, "issuer">): readonly [GateAccount, GateAccount] {
  const account = (part: Part, name: string): GateAccount => ({
    part,
    namespace,
    serviceAccount: name,
    subject: `system:serviceaccount:${namespace}:${name}`,
  });
  return [account("judge", serviceAccount), account("observer", observerAccount(serviceAccount))];
}

/** What is wrong with an issuer; every cloud fetches its keys over https, from a public address. */
export function issuerProblems(path: string, issuer: unknown): Problem[] {
  return matching(
    path,
    issuer,
    /^https:\/\/[a-z0-9.-]+(\/[A-Za-z0-9._~/-]*)?$/,
    "the cluster's OIDC issuer, https and without port, query or fragment",
  );
}

/** What is wrong with the cluster that a registry is told of; an issuer that is an Output waits. */
export function clusterProblems(path: string, cluster: unknown): Problem[] {
  if (typeof cluster !== "object" || cluster === null)
    return [
      {
        path,
        problem: `expected { issuer, namespace, serviceAccount } of the gate's cluster, got ${show(cluster)}`,
      },
    ];
  const { issuer, namespace, serviceAccount } = cluster as Partial<ClusterIdentity>;
  return [
    ...(isLater(issuer) ? [] : issuerProblems(`${path}.issuer`, issuer)),
    ...name(`${path}.namespace`, namespace),
    ...name(`${path}.serviceAccount`, serviceAccount),
  ];
}
