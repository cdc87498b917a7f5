import type { ImageManifest } from "../registry/manifest.ts";

/** Sigstore bundles (https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md), whose signature is inside. */
const bundleTypes = [
  "application/vnd.dev.sigstore.bundle.v0.3+json",
  "application/vnd.dev.sigstore.bundle+json;version=0.3",
  "application/vnd.dev.sigstore.bundle+json;version=0.2",
  "application/vnd.dev.sigstore.bundle+json;version=0.1",
];

/** Documents that may be scan reports or VEX; what they are is told by what they hold. */
const documentTypes = [
  // Statements, such as Defender's and those of Docker's tools.
  "application/vnd.in-toto+json",
  "application/vnd.dsse.envelope.v1+json",
  "application/sarif+json",
  "application/vnd.aquasec.trivy.report+json",
  "application/vnd.cncf.openvex+json",
  "application/vex+json",
];

const wanted = new Set([...bundleTypes, ...documentTypes].map(normal));

/** Whether an artifact of this type may be a scan report or VEX. */
export function isReportType(type: string): boolean {
  return wanted.has(normal(type));
}

/** Whether an artifact of this type is a Sigstore bundle. */
export function isBundleType(type: string): boolean {
  return bundleTypes.some((one) => normal(one) === normal(type));
}

/**
 * Whether a descriptor's type says nothing of the artifact: some registries give none, or the configuration's type,
 * so that only the manifest can tell.
 */
export function isVagueType(type: string | undefined): boolean {
  return type === undefined || type === "" || /^application\/vnd\.(?:oci|docker)\./.test(type);
}

/** The type that a manifest itself declares (OCI image specification 1.1, "Guidelines for Artifact Usage"). */
export function typeOf(manifest: ImageManifest): string {
  return manifest.artifactType ?? manifest.config.mediaType;
}

function normal(type: string): string {
  return type.toLowerCase().replaceAll(/\s+/g, "");
}
