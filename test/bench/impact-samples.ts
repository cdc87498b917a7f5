/** The cluster that `pnpm bench impact` speaks of: its objects, its reports, and a policy before and after. */
import {
  definePolicy,
  deny,
  findings,
  states,
  type Finding,
  type Policy,
  type Severity,
} from "@gatehouse/policy";

/** How large the cluster is. */
export interface ImpactBenchSize {
  pods: number;
  digests: number;
  findings: number;
  rules: number;
  /** Different findings in all; images share them. @default 5000 */
  distinct?: number;
}

/** What the figures speak of. */
export const statedSize: ImpactBenchSize = { pods: 10_000, digests: 2_000, findings: 200, rules: 100 };

const severities: readonly Severity[] = ["critical", "high", "medium", "low"];
export const benchNow = Date.parse("2026-11-22T12:00:00Z");
export const digestOf = (index: number) => `sha256:${index.toString(16).padStart(64, "0")}`;

/** Findings of a registry's images repeat: most come from a few hundred base packages. */
function findingOf(index: number): Finding {
  return {
    id: `CVE-2026-${10_000 + index}`,
    severity: severities[index % 40 === 0 ? 0 : 1 + (index % 3)] ?? "low",
    package: {
      name: `package-${index % 300}`,
      version: "1.2.3",
      type: "deb",
      purl: `pkg:deb/debian/package-${index % 300}@1.2.3`,
    },
    fix:
      index % 2 === 0
        ? { available: true, version: "1.2.4", since: "2026-10-01T00:00:00Z" }
        : { available: false },
    cvss: (index % 100) / 10,
    epss: (index % 50) / 100,
    knownExploited: index % 97 === 0,
    publishedAt: "2026-09-01T00:00:00Z",
    title: "A vulnerability in a package",
  };
}

export function reportText(image: number, size: ImpactBenchSize): string {
  const found = Array.from({ length: size.findings }, (_, index) =>
    findingOf(
      ((size.distinct ?? 5_000) > 100_000 ? image * size.findings + index : image * 7 + index * 13) %
        (size.distinct ?? 5_000),
    ),
  );
  const digest = digestOf(image);
  return JSON.stringify({
    digest,
    platforms: [
      {
        platform: "linux/amd64",
        digest,
        report: {
          state: "complete",
          source: "bench",
          trust: { kind: "source" },
          scannedAt: "2026-11-22T00:00:00Z",
          findings: found,
        },
      },
    ],
  });
}

/** The same findings as Trivy writes them. */
export function trivyText(image: number, size: ImpactBenchSize): string {
  const { platforms } = JSON.parse(reportText(image, size)) as {
    platforms: [{ report: { findings: Finding[] } }];
  };
  const repository = `registry.example/app-${image}`;
  return JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: "2026-11-22T00:00:00Z",
    ArtifactName: `${repository}:1`,
    ArtifactType: "container_image",
    Metadata: {
      RepoTags: [`${repository}:1`],
      RepoDigests: [`${repository}@${digestOf(image)}`],
      ImageConfig: { architecture: "amd64", os: "linux" },
    },
    Results: [
      {
        Target: "debian 12",
        Class: "os-pkgs",
        Type: "debian",
        Vulnerabilities: platforms[0].report.findings.map((finding) => ({
          VulnerabilityID: finding.id,
          PkgName: finding.package?.name,
          PkgIdentifier: { PURL: finding.package?.purl },
          InstalledVersion: finding.package?.version,
          ...(finding.fix?.available === true
            ? { FixedVersion: finding.fix.version, Status: "fixed" }
            : { Status: "affected" }),
          Severity: finding.severity.toUpperCase(),
          Title: finding.title,
          PublishedDate: finding.publishedAt,
          CVSS: { nvd: { V3Score: finding.cvss } },
        })),
      },
    ],
  });
}

export function policyOf(rules: number, strict: boolean): Policy {
  const conditions = [
    findings({ minSeverity: "critical", fixAvailableFor: strict ? "14d" : "90d" }),
    findings({ knownExploited: true }),
    findings({ atLeast: 3, minSeverity: "high", minEpss: 0.45 }),
    findings({ minCvss: 9.5, fixAvailable: true }),
    findings({ packages: "package-1*", minSeverity: "critical" }),
  ] as const;
  return definePolicy({
    rules: Object.fromEntries(
      Array.from({ length: rules }, (_, index) => [
        `rule-${index}`,
        deny({
          description: `Rule ${index}`,
          where: { namespace: [`team-${index % 50}`, `team-${(index + 7) % 50}`] },
          when: conditions[index % conditions.length] ?? conditions[0],
          onScan: states.audit,
        }),
      ]),
    ),
    exemptionHelp: "Ask",
  });
}

function podObject(index: number, size: ImpactBenchSize): Record<string, unknown> {
  const workload = Math.floor(index / 4);
  const namespace = `team-${workload % 50}`;
  const image = workload % size.digests;
  const reference = `registry.example/app-${image}:1`;
  const env = Array.from({ length: 20 }, (_, at) => ({
    name: `VARIABLE_${at}`,
    value: "a value of some length",
  }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `app-${workload}-${index}`,
      namespace,
      uid: `pod-${index}`,
      labels: { app: `app-${workload}`, "pod-template-hash": "abc" },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: `app-${workload}-abc`,
          uid: `rs-${workload}`,
          controller: true,
        },
      ],
    },
    spec: { containers: [{ name: "main", image: reference, env }] },
    status: {
      phase: "Running",
      containerStatuses: [{ name: "main", imageID: `registry.example/app-${image}@${digestOf(image)}` }],
    },
  };
}

export function* objectsOf(size: ImpactBenchSize): Generator<Record<string, unknown>> {
  for (let team = 0; team < 50; team++)
    yield {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: `team-${team}`, labels: { team: `${team}` } },
    };
  for (let workload = 0; workload < size.pods / 4; workload++) {
    const namespace = `team-${workload % 50}`;
    const image = `registry.example/app-${workload % size.digests}:1`;
    const template = {
      metadata: { labels: { app: `app-${workload}` } },
      spec: { containers: [{ name: "main", image }] },
    };
    yield {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: `app-${workload}`, namespace, uid: `deployment-${workload}` },
      spec: { replicas: 4, template },
    };
    yield {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `app-${workload}-abc`,
        namespace,
        uid: `rs-${workload}`,
        ownerReferences: [
          {
            apiVersion: "apps/v1",
            kind: "Deployment",
            name: `app-${workload}`,
            uid: `deployment-${workload}`,
            controller: true,
          },
        ],
      },
      spec: { replicas: 4, template },
    };
  }
  for (let index = 0; index < size.pods; index++) yield podObject(index, size);
}
