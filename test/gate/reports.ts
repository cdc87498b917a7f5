/** Images that the tests deploy, and the scan reports about them, as Trivy writes them. */

/** The registry whose reports the gate has as files; nothing is there to be dialled. */
export const registryHost = "registry.example.com";

/** An image by its reference with a tag, and the digest that its report names. */
export interface TestImage {
  readonly reference: string;
  readonly digest: string;
}

function image(repository: string, digit: string): TestImage {
  return { reference: `${registryHost}/${repository}`, digest: `sha256:${digit.repeat(64)}` };
}

/** One critical finding, with a fix. */
export const vulnerable = image("shop/api:1.4", "5");
/** Scanned, without findings. */
export const clean = image("shop/web:2.0", "c");
/** Scanned, without findings: for updates from one to the other. */
export const cleanToo = image("shop/web:2.1", "d");
/** Nobody has scanned it. */
export const unscanned = image("shop/new:1", "0");

/** The finding of {@link vulnerable}. */
export const finding = {
  VulnerabilityID: "CVE-2026-0001",
  PkgName: "openssl",
  InstalledVersion: "3.0.1",
  FixedVersion: "3.0.2",
  Severity: "CRITICAL",
  Status: "fixed",
} as const;

/** A report in Trivy's JSON, schema 2. */
export function report({ reference, digest }: TestImage, findings: readonly object[] = []): string {
  const repository = reference.slice(0, reference.lastIndexOf(":"));
  return JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: "2026-11-20T10:00:00Z",
    ArtifactName: reference,
    ArtifactType: "container_image",
    Metadata: { RepoTags: [reference], RepoDigests: [`${repository}@${digest}`] },
    Results: [{ Target: "debian 12", Class: "os-pkgs", Type: "debian", Vulnerabilities: findings }],
  });
}

/** The folder of reports that a gate is given. */
export const reports: Readonly<Record<string, string>> = {
  "api.json": report(vulnerable, [finding]),
  "web.json": report(clean),
  "web-too.json": report(cleanToo),
};
