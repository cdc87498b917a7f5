import { gateIdentity, type GateArgs } from "@gatehouse/gate";
import type { ArtifactRegistryScanningArgs } from "@gatehouse/gcp";
import type { EcrScanningArgs } from "@gatehouse/aws";
import type { AcrScanningArgs } from "@gatehouse/azure";
import type { Input } from "@pulumi/pulumi";
import type { Settings } from "./settings.ts";

/** What the gate is given of the registries that it reads. */
export type Registries = Required<Pick<GateArgs, "sources" | "tokenAudiences">>;

/**
 * Wires the registries that the settings name, of any cloud, to the gate of one cluster. Each needs the cluster's issuer
 * and nothing else of it. A cloud's SDK is loaded only where a registry of it is named.
 *
 * @param issuer the cluster's OIDC issuer
 */
export async function wireRegistries(settings: Settings, issuer: Input<string>): Promise<Registries> {
  const cluster = { issuer, ...gateIdentity() };
  const made = [];
  // The casts leave to each component what it checks itself, and says all of.
  if (settings.acr !== undefined) {
    const { AcrScanning } = await import("@gatehouse/azure");
    made.push(new AcrScanning("acr", { cluster, ...settings.acr } as AcrScanningArgs));
  }
  if (settings.ecr !== undefined) {
    const { EcrScanning } = await import("@gatehouse/aws");
    made.push(new EcrScanning("ecr", { cluster, ...settings.ecr } as EcrScanningArgs));
  }
  if (settings.artifactRegistry !== undefined) {
    const { ArtifactRegistryScanning } = await import("@gatehouse/gcp");
    const args = { cluster, ...settings.artifactRegistry } as ArtifactRegistryScanningArgs;
    made.push(new ArtifactRegistryScanning("artifact-registry", args));
  }
  return {
    sources: made.map(({ source }) => source),
    tokenAudiences: Object.assign({}, ...made.map(({ tokenAudiences }) => tokenAudiences)) as Record<
      string,
      Input<string>
    >,
  };
}
