/** Reports, rules and reviews of the size that the figures speak of. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { definePolicy, deny, exempt, findings, states } from "@gatehouse/policy";
import type { Policy, Rule } from "@gatehouse/policy";

const severities = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];

/** The digest of the numbered image. */
export function digestOf(image: number): string {
  return `sha256:${image.toString(16).padStart(64, "0")}`;
}

/** A Trivy report about one image; its findings are drawn from a pool that images share. */
export function trivyReport(image: number, count: number, pool = 20_000): object {
  const name = `registry.example.com/shop/api-${image}`;
  return {
    SchemaVersion: 2,
    CreatedAt: "2026-11-21T00:00:00Z",
    ArtifactName: `${name}:1`,
    ArtifactType: "container_image",
    Metadata: { RepoTags: [`${name}:1`], RepoDigests: [`${name}@${digestOf(image)}`] },
    Results: [
      {
        Target: "debian 12",
        Class: "os-pkgs",
        Type: "debian",
        Vulnerabilities: Array.from({ length: count }, (_, index) => {
          const id = (image * 37 + index * 101) % pool;
          return {
            VulnerabilityID: `CVE-2026-${10_000 + id}`,
            PkgName: `package-${id % 400}`,
            InstalledVersion: "1.0.0",
            FixedVersion: "1.0.1",
            Status: "fixed",
            Severity: severities[id % 4],
            PublishedDate: "2026-10-01T00:00:00Z",
            CVSS: {
              nvd: { V3Score: (id % 100) / 10, V3Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" },
            },
          };
        }),
      },
    ],
  };
}

/** Writes reports of numbered images into a folder. */
export function writeReports(folder: string, images: number, findingsEach: number): void {
  mkdirSync(folder, { recursive: true });
  for (let image = 0; image < images; image += 1)
    writeFileSync(join(folder, `${image}.json`), JSON.stringify(trivyReport(image, findingsEach)));
}

/** A policy under which the sample images are admitted: rules that look at everything and find nothing to deny. */
export function samplePolicy(rules: number, exemptions: number): Policy {
  const entries = <T>(count: number, make: (index: number) => T) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, make(index)]));
  return definePolicy({
    rules: entries<Rule>(rules, (index) =>
      deny({
        description: "a rule",
        where: { namespace: index % 2 === 0 ? "shop" : ["shop", "billing"] },
        when: findings({
          minSeverity: "critical",
          minCvss: 9,
          cves: [`CVE-2031-${index}*`, `CVE-2032-${index}*`],
        }),
        onScan: states.strict,
      }),
    ),
    exemptions: entries(exemptions, (index) =>
      exempt({
        cves: [`CVE-2026-${10_000 + index}`],
        where: { namespace: "shop", repository: "shop/*" },
        reason: "a reason",
        owner: "an owner",
        until: "2031-01-01",
      }),
    ),
    defaultRule: false,
  });
}

/** The AdmissionReview of a Deployment with containers of the numbered images. */
export function reviewOf(images: readonly number[]): string {
  return JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      kind: { group: "apps", version: "v1", kind: "Deployment" },
      resource: { group: "apps", version: "v1", resource: "deployments" },
      requestKind: { group: "apps", version: "v1", kind: "Deployment" },
      requestResource: { group: "apps", version: "v1", resource: "deployments" },
      name: "api",
      namespace: "shop",
      operation: "CREATE",
      userInfo: { username: "dev@example.com", groups: ["system:authenticated"] },
      object: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "api", namespace: "shop", labels: { app: "api" } },
        spec: {
          replicas: 3,
          selector: { matchLabels: { app: "api" } },
          template: {
            metadata: { labels: { app: "api" } },
            spec: {
              containers: images.map((image, index) => ({
                name: `c${index}`,
                image: `registry.example.com/shop/api-${image}:1`,
                env: Array.from({ length: 10 }, (_, variable) => ({
                  name: `VARIABLE_${variable}`,
                  value: "value",
                })),
                resources: { requests: { cpu: "100m", memory: "128Mi" } },
              })),
            },
          },
        },
      },
      oldObject: null,
      dryRun: false,
      options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
    },
  });
}
