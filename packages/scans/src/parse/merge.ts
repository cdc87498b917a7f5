import { compareSeverity } from "@gatehouse/policy";
import type { Finding, FindingPackage, Fix, Instant, Severity } from "@gatehouse/policy";
import type { RawFinding } from "./parsed.ts";
import { defined } from "./values.ts";

/**
 * One finding for each vulnerability in each package at each place: entries with the same id and package (name,
 * version, type, package URL, path, and whatever else `distinct` holds) become one, in order of first mention. What one
 * entry knows and another does not is known; where they contradict each other, the worse holds. The order of the
 * entries does not matter otherwise.
 */
export function mergeFindings(raw: readonly RawFinding[]): Finding[] {
  const byKey = new Map<string, Finding>();
  for (const { finding, distinct } of raw) {
    const { name, version, type, purl, path }: Partial<FindingPackage> = finding.package ?? {};
    const key = JSON.stringify([finding.id, name, version, type, purl, path, distinct]);
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? finding : mergeTwo(known, finding));
  }
  return [...byKey.values()];
}

function mergeTwo(a: Finding, b: Finding): Finding {
  const aliases = [...new Set([...(a.aliases ?? []), ...(b.aliases ?? [])])].sort();
  return defined({
    id: a.id,
    aliases: aliases.length > 0 ? aliases : undefined,
    severity: worse(a.severity, b.severity),
    package: a.package,
    fix: mergeFix(a.fix, b.fix),
    cvss: pick(a.cvss, b.cvss, Math.max),
    epss: pick(a.epss, b.epss, Math.max),
    knownExploited: pick(a.knownExploited, b.knownExploited, (x, y) => x || y),
    publishedAt: pick(a.publishedAt, b.publishedAt, earlier),
    firstSeenAt: pick(a.firstSeenAt, b.firstSeenAt, earlier),
    title: pick(a.title, b.title, first),
    url: pick(a.url, b.url, first),
  });
}

function pick<T>(a: T | undefined, b: T | undefined, choose: (a: T, b: T) => T): T | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : choose(a, b);
}

function worse(a: Severity, b: Severity): Severity {
  if (a === "unknown") return b;
  return b === "unknown" || compareSeverity(a, b) <= 0 ? a : b;
}

function mergeFix(a: Fix | undefined, b: Fix | undefined): Fix | undefined {
  return pick(a, b, (x, y) => {
    if (!x.available) return y;
    if (!y.available) return x;
    const versions = [x.version, y.version].flatMap((version) => version?.split(", ") ?? []);
    return defined({
      available: true as const,
      version: versions.length > 0 ? [...new Set(versions)].sort().join(", ") : undefined,
      since: pick(x.since, y.since, earlier),
    });
  });
}

function earlier(a: Instant, b: Instant): Instant {
  return Date.parse(a) <= Date.parse(b) ? a : b;
}

function first(a: string, b: string): string {
  return a <= b ? a : b;
}
