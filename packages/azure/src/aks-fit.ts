import { parse } from "yaml";
import { issuerProblems, versionProblems } from "@gatehouse/gate/components";
import type { Problem } from "@gatehouse/policy";

/** What matters of how AKS describes a cluster. */
export interface AksDescription {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly currentKubernetesVersion: string;
  readonly oidcIssuerProfile?: { readonly enabled?: boolean; readonly issuerURL: string };
  readonly aadProfile?: { readonly managed?: boolean; readonly tenantID?: string };
}

/** What keeps a cluster from carrying a gate, and the command that mends it. */
export function unfitAks(cluster: AksDescription): Problem[] {
  const path = "clusterName";
  const enable = (option: string) =>
    `run \`az aks update --name ${cluster.name} --resource-group GROUP ${option}\``;
  return [
    ...versionProblems(path, cluster.currentKubernetesVersion),
    ...(cluster.oidcIssuerProfile?.enabled === true
      ? issuerProblems(path, cluster.oidcIssuerProfile.issuerURL)
      : [
          {
            path,
            problem: `expected a cluster whose OIDC issuer is enabled, got ${cluster.name} without one; ${enable("--enable-oidc-issuer")}`,
          },
        ]),
    ...(cluster.aadProfile?.managed === true
      ? []
      : [
          {
            path,
            problem: `expected a cluster that Microsoft Entra ID signs in to, so that its kubeconfig holds no credential, got ${cluster.name} with local accounts only; ${enable("--enable-aad")}`,
          },
        ]),
  ];
}

/**
 * Address and certificate out of a kubeconfig that AKS writes; nothing else of it is used.
 *
 * @param value base64 of the kubeconfig's YAML
 * @returns undefined when it is not of that form
 */
export function serverOf(value: string): { server: string; certificateAuthorityData: string } | undefined {
  let parsed: unknown;
  try {
    parsed = parse(Buffer.from(value, "base64").toString("utf8"));
  } catch {
    return undefined;
  }
  const { clusters } = (parsed ?? {}) as { clusters?: { cluster?: Record<string, unknown> }[] };
  const cluster = Array.isArray(clusters) ? clusters[0]?.cluster : undefined;
  const server = cluster?.["server"];
  const certificateAuthorityData = cluster?.["certificate-authority-data"];
  if (typeof server !== "string" || !server.startsWith("https://")) return undefined;
  if (typeof certificateAuthorityData !== "string" || certificateAuthorityData === "") return undefined;
  return { server, certificateAuthorityData };
}
