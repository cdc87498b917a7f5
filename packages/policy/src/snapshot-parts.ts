/**
 * From what the gate holds to what a snapshot says: each part is built anew from the fields it may have. A field that
 * is not written here is not in a snapshot.
 */
import type { Finding } from "./finding.ts";
import type { ImageScan, PlatformScan } from "./scan.ts";
import { keptLabels } from "./snapshot-labels.ts";
import type { Review, SnapshotScan } from "./snapshot.ts";
import type { Subject } from "./subject.ts";

type PortableSubject = Review["subject"];

/** A subject with those of its labels that are to be kept. */
export function portableSubject(subject: Subject, labelKeys: readonly string[] | "all"): PortableSubject {
  const { cluster, namespace, object, workload } = subject;
  return present({
    cluster: present({
      name: cluster.name,
      cloud: cluster.cloud,
      account: cluster.account,
      region: cluster.region,
      labels: cluster.labels && keptLabels(cluster.labels, labelKeys),
    }),
    namespace: present({
      name: namespace.name,
      labels: namespace.labels && keptLabels(namespace.labels, labelKeys),
    }),
    object: { kind: object.kind, name: object.name, labels: keptLabels(object.labels, labelKeys) },
    pod: subject.pod,
    workload: workload.resolved
      ? { resolved: true as const, kind: workload.kind, name: workload.name }
      : { resolved: false as const, reason: workload.reason },
    images: subject.images.map(({ path, reference, name, kind }) => ({ path, reference, name, kind })),
  });
}

/** A scan with its findings, without titles and links. */
export function portableScan(scan: ImageScan): SnapshotScan["scan"] {
  return present({
    digest: scan.digest,
    platforms: scan.platforms.map((platform) => portablePlatform(platform, platform.report.findings)),
  });
}

/** One platform's scan with these of its findings. */
export function portablePlatform(
  { platform, digest, createdAt, report }: PlatformScan,
  findings: readonly Finding[],
): SnapshotScan["scan"]["platforms"][number] {
  const { state, reason, source, trust, scannedAt } = report;
  return present({
    platform,
    digest,
    createdAt,
    report: present({
      state,
      reason,
      source,
      trust: trust.kind === "signed" ? { kind: trust.kind, identity: trust.identity } : { kind: trust.kind },
      scannedAt,
      findings: findings.map(portableFinding),
    }),
  });
}

type PortableFinding = SnapshotScan["scan"]["platforms"][number]["report"]["findings"][number];

function portableFinding(finding: Finding): PortableFinding {
  const { fix, package: about } = finding;
  return present({
    id: finding.id,
    aliases: finding.aliases && [...finding.aliases],
    severity: finding.severity,
    package:
      about &&
      present({
        name: about.name,
        version: about.version,
        type: about.type,
        purl: about.purl,
        path: about.path,
      }),
    fix:
      fix &&
      (fix.available
        ? present({ available: true as const, version: fix.version, since: fix.since })
        : { available: false as const }),
    cvss: finding.cvss,
    epss: finding.epss,
    knownExploited: finding.knownExploited,
    publishedAt: finding.publishedAt,
    firstSeenAt: finding.firstSeenAt,
  });
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without the fields that are undefined. */
function present<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Present<T>;
}
