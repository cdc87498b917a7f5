import type { Finding } from "./finding.ts";
import type { ImpactEntry } from "./impact.ts";
import { compareSeverity } from "./severity.ts";
import type { Severity } from "./severity.ts";

/** One vulnerability that stands between workloads and their admission. */
export interface CveCount {
  id: string;
  severity: Severity;
  workloads: number;
  packages: readonly string[];
  /** Versions that fix it, where one is known. */
  fixedIn: readonly string[];
}

/** Upgrading one package to one version. */
export interface FixCount {
  package: string;
  version: string;
  /** Workloads in which it removes at least one deciding finding. */
  helps: number;
  /** Workloads of which every deciding finding goes with it. */
  clears: number;
}

export function countCves(entries: readonly ImpactEntry[]): CveCount[] {
  const cves = new Map<
    string,
    { severity: Severity; owners: Set<string>; packages: Set<string>; fixedIn: Set<string> }
  >();
  for (const { owner, finding } of decidingFindings(entries)) {
    const known = cves.get(finding.id) ?? {
      severity: finding.severity,
      owners: new Set(),
      packages: new Set(),
      fixedIn: new Set(),
    };
    cves.set(finding.id, known);
    if (compareSeverity(finding.severity, known.severity) < 0) known.severity = finding.severity;
    known.owners.add(owner);
    if (finding.package) known.packages.add(finding.package.name);
    if (finding.fix?.available && finding.fix.version) known.fixedIn.add(finding.fix.version);
  }
  return [...cves]
    .map(([id, { severity, owners, packages, fixedIn }]) => ({
      id,
      severity,
      workloads: owners.size,
      packages: [...packages].sort(),
      fixedIn: [...fixedIn].sort(),
    }))
    .sort(
      (a, b) =>
        b.workloads - a.workloads || compareSeverity(a.severity, b.severity) || (a.id < b.id ? -1 : 1),
    );
}

export function countFixes(entries: readonly ImpactEntry[]): FixCount[] {
  const fixes = new Map<string, { package: string; version: string; helps: number; clears: number }>();
  for (const { images } of entries) {
    const findings = images.flatMap((image) => image.findings);
    const byState = images.some((image) => image.findings.length === 0);
    for (const [key, { name, version, removed }] of upgrades(findings)) {
      const known = fixes.get(key) ?? { package: name, version, helps: 0, clears: 0 };
      fixes.set(key, known);
      known.helps += 1;
      if (!byState && removed.size === new Set(findings).size) known.clears += 1;
    }
  }
  return [...fixes.values()].sort(
    (a, b) => b.clears - a.clears || b.helps - a.helps || (a.package < b.package ? -1 : 1),
  );
}

function upgrades(findings: readonly Finding[]) {
  const found = new Map<string, { name: string; version: string; removed: Set<Finding> }>();
  for (const finding of findings) {
    if (!finding.package || !finding.fix?.available || !finding.fix.version) continue;
    const { name } = finding.package;
    const { version } = finding.fix;
    const key = `${name} ${version}`;
    const known = found.get(key) ?? { name, version, removed: new Set() };
    found.set(key, known);
    known.removed.add(finding);
  }
  return found;
}

function* decidingFindings(entries: readonly ImpactEntry[]): Generator<{ owner: string; finding: Finding }> {
  for (const { owner, images } of entries)
    for (const { findings } of images) for (const finding of findings) yield { owner, finding };
}
