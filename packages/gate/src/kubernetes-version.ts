import type { Problem } from "@gatehouse/policy";

/**
 * The oldest Kubernetes that the gate is for: ValidatingAdmissionPolicy and match conditions, on which its namespace and
 * its exclusions rest, are stable since 1.30, and older releases have no support of their clouds any more.
 */
export const LEAST_KUBERNETES = "1.31";

/** What is wrong with a cluster's version, as clouds write it: `1.31`, `1.31.4`, `1.31.4-gke.1183000`, `v1.31.4`. */
export function versionProblems(path: string, version: unknown): Problem[] {
  const [, major, minor] = /^v?(\d+)\.(\d+)(?:[.+-]|$)/.exec(String(version)) ?? [];
  const [leastMajor, leastMinor] = LEAST_KUBERNETES.split(".").map(Number) as [number, number];
  const enough = Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor);
  if (enough) return [];
  return [
    {
      path,
      problem: `expected a cluster of Kubernetes ${LEAST_KUBERNETES} or later, got ${JSON.stringify(version) ?? "nothing"}; upgrade it first`,
    },
  ];
}
