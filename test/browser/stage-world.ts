/** What the stage shows: a policy, images with their scans, workloads that run them, and what was deployed lately. */
import {
  audit,
  definePolicy,
  deny,
  exempt,
  findings,
  states,
  unscanned,
  type Finding,
  type ImageScan,
  type Policy,
} from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";

/** An admission to post. */
export interface Admission {
  namespace: string;
  workload: string;
  image: string;
  user?: string;
  /** Milliseconds since 1970. @default now */
  at?: number;
}

/** Text that would show if anything took it for markup. */
export const markup = `<img src=x onerror=alert(1)><b>bold</b>"'&amp;`;

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
const hour = 3_600_000;

const finding = (id: string, severity: Finding["severity"], name: string, fixed?: string): Finding => ({
  id,
  severity,
  package: { name, version: "1.0.4", type: "deb" },
  ...(fixed === undefined ? { fix: { available: false } } : { fix: { available: true, version: fixed } }),
  cvss: severity === "critical" ? 9.8 : 7.5,
  epss: 0.12,
  knownExploited: id.endsWith("1"),
  title: `A weakness in ${name}`,
});

function scan(letter: string, found: readonly Finding[], ageHours: number): ImageScan {
  const digest = digestOf(letter);
  return {
    digest,
    platforms: ["linux/amd64", "linux/arm64"].map((platform) => ({
      platform,
      digest,
      report: {
        state: "complete",
        source: "production-registry",
        trust: { kind: "source" },
        scanner: { name: "inspector", version: "2.1" },
        scannedAt: new Date(Date.now() - ageHours * hour).toISOString(),
        findings: found,
      },
    })),
  };
}

const scans: Readonly<Record<string, () => ImageScan>> = {
  "registry.example/shop/web:4.2": () =>
    scan(
      "b",
      [
        finding("CVE-2026-10001", "critical", "openssl", "3.0.17"),
        finding("CVE-2026-10002", "high", "libxml2", "2.12.9"),
        finding("CVE-2026-10003", "medium", "zlib1g"),
      ],
      5,
    ),
  "registry.example/shop/cart:1.9": () =>
    scan("c", [finding("CVE-2026-10002", "high", "libxml2", "2.12.9")], 7),
  "registry.example/shop/search:2.0": () => scan("d", [], 3),
  "registry.example/shop/hooks:dev": () =>
    scan("e", [{ ...finding("CVE-2026-66666", "critical", markup), title: markup }], 2),
  "registry.example/pay/ledger:7": () =>
    scan(
      "f",
      [finding("CVE-2026-20001", "critical", "glibc"), finding("CVE-2026-20002", "high", "curl", "8.9.1")],
      30,
    ),
  "registry.example/pay/legacy:1": () =>
    scan("0", [finding("CVE-2026-20003", "critical", "openssl", "3.0.17")], 60),
  "registry.example/pay/reports:3": () =>
    unscanned("pending", "the scan began four minutes ago", "production-registry", digestOf("1")),
  "docker.io/library/redis:7": () => unscanned("unsupported", "no source covers docker.io", "gate"),
};

/** Answers by tag. */
export const lookUp: LookUp = (reference) =>
  Promise.resolve(
    (scans[reference] ?? (() => unscanned("absent", "never scanned", "production-registry")))(),
  );

/** Two rules, and exemptions that are used, expired and to come to an end. */
export function stagePolicy(): Policy {
  const inDays = (days: number) => new Date(Date.now() + days * 24 * hour).toISOString().slice(0, 10);
  return definePolicy({
    rules: {
      "no-critical": deny({
        description: "A critical finding does not ship",
        when: findings({ minSeverity: "critical" }),
        onScan: { ...states.audit, absent: "deny", unsupported: "deny" },
      }),
      "highs-with-fix": audit({
        description: "A high finding whose fix is out is told of",
        when: findings({ minSeverity: "high", fixAvailable: true }),
      }),
    },
    exemptions: {
      "openssl-in-legacy": exempt({
        rules: ["no-critical"],
        cves: ["CVE-2026-20003"],
        where: { namespace: "pay", repository: "pay/legacy" },
        reason: "Unreachable: TLS ends at the proxy",
        owner: "team-pay",
        ticket: "SEC-421",
        until: inDays(9),
      }),
      "curl-in-ledger": exempt({
        rules: ["highs-with-fix"],
        packages: ["curl"],
        where: { namespace: "pay" },
        reason: "Waits for the release of the quarter",
        owner: "team-pay",
        ticket: "SEC-398",
        until: inDays(-3),
      }),
      "redis-image": exempt({
        rules: ["no-critical"],
        states: ["unsupported"],
        where: { namespace: "shop", image: "docker.io/library/redis*" },
        reason: "Moves to our own registry next month",
        owner: "team-shop",
        ticket: "SHOP-77",
        until: inDays(40),
      }),
    },
    exemptionHelp: "Ask in #security with the name of the rule.",
    defaultRule: false,
  });
}

const deployments = [
  ["shop", "web", "registry.example/shop/web:4.2", "b", 3],
  ["shop", "cart", "registry.example/shop/cart:1.9", "c", 2],
  ["shop", "search", "registry.example/shop/search:2.0", "d", 2],
  ["shop", "webhooks", "registry.example/shop/hooks:dev", "e", 1],
  ["shop", "cache", "docker.io/library/redis:7", "", 1],
  ["pay", "ledger", "registry.example/pay/ledger:7", "f", 4],
  ["pay", "legacy-billing", "registry.example/pay/legacy:1", "0", 1],
  ["pay", "reports", "registry.example/pay/reports:3", "1", 0],
] as const;

/** The cluster's objects. */
export function* objects(): Generator<Record<string, unknown>> {
  for (const name of ["shop", "pay"]) yield { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  for (const [namespace, name, image, letter, pods] of deployments) {
    const spec = { containers: [{ name: "main", image }] };
    const template = { metadata: { labels: { app: name } }, spec };
    const uid = `${namespace}-${name}`;
    const owned = (apiVersion: string, kind: string, of: string) => ({
      ownerReferences: [{ apiVersion, kind, name: of, uid: `${kind}-${uid}`, controller: true }],
    });
    yield {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace, uid: `Deployment-${uid}` },
      spec: { template },
    };
    yield {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `${name}-5d9`,
        namespace,
        uid: `ReplicaSet-${uid}`,
        ...owned("apps/v1", "Deployment", name),
      },
      spec: { template },
    };
    for (let at = 0; at < pods; at++)
      yield {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: `${name}-5d9-${at}`,
          namespace,
          uid: `Pod-${uid}-${at}`,
          labels: { app: name },
          ...owned("apps/v1", "ReplicaSet", `${name}-5d9`),
        },
        spec,
        status: {
          phase: "Running",
          containerStatuses:
            letter === ""
              ? []
              : [{ name: "main", imageID: `${image.replace(/:[^:/]*$/, "")}@${digestOf(letter)}` }],
        },
      };
  }
}

/** References by digest are found as their tags are. */
export const byDigest: LookUp = async (reference, options) => {
  const tag = Object.entries(scans).find(
    ([name, of]) => reference === `${name.replace(/:[^:/]*$/, "")}@${of().digest}`,
  );
  return await lookUp(tag?.[0] ?? reference, options);
};

/** What people have deployed lately. */
export function recentAdmissions(): Admission[] {
  const minute = 60_000;
  const all: Admission[] = [
    ...deployments.map(([namespace, workload, image], at) => ({
      namespace,
      workload,
      image,
      at: Date.now() - (at + 2) * 13 * minute,
    })),
    {
      namespace: "shop",
      workload: "web-canary",
      image: "registry.example/shop/web:4.2",
      user: "alice@example.com",
    },
    { namespace: "pay", workload: "batch", image: "registry.example/pay/ledger:7", user: "bob@example.com" },
    { namespace: "shop", workload: "probe", image: `registry.example/shop/hooks:dev`, user: markup },
  ];
  // As they came: the oldest first.
  return all.toSorted((a, b) => (a.at ?? Date.now()) - (b.at ?? Date.now()));
}
