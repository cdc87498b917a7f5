import type { Finding } from "./finding.ts";
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

/** Counts over workloads that are told one by one. */
export interface FindingCounts {
  /** @param images the deciding findings of each image that decides about one workload */
  add(images: readonly (readonly Finding[])[]): void;
  /** Most workloads first. */
  cves(): CveCount[];
  /** The upgrade that clears most workloads first. */
  fixes(): FixCount[];
}

/** Starts counting. */
export function countFindings(): FindingCounts {
  const cves = new Map<string, Counted>();
  const fixes = new Map<string, { package: string; version: string; helps: number; clears: number }>();
  return {
    add(images) {
      const findings = new Set(images.flat());
      const ids = new Set<string>();
      for (const finding of findings) {
        const known = countedOf(cves, finding);
        if (!ids.has(finding.id)) known.workloads += 1;
        ids.add(finding.id);
      }
      // An image that is denied for its scan's state, or its age, is not mended by an upgrade.
      const beyondUpgrades = images.some((image) => image.length === 0);
      for (const [key, { name, version, removes }] of upgrades(findings)) {
        const known = fixes.get(key) ?? { package: name, version, helps: 0, clears: 0 };
        fixes.set(key, known);
        known.helps += 1;
        if (!beyondUpgrades && removes === findings.size) known.clears += 1;
      }
    },
    cves: () =>
      [...cves]
        .map(([id, { severity, workloads, packages, fixedIn }]) => ({
          id,
          severity,
          workloads,
          packages: [...packages].sort(),
          fixedIn: [...fixedIn].sort(),
        }))
        .sort(
          (a, b) =>
            b.workloads - a.workloads || compareSeverity(a.severity, b.severity) || (a.id < b.id ? -1 : 1),
        ),
    fixes: () =>
      [...fixes.values()].sort(
        (a, b) =>
          b.clears - a.clears ||
          b.helps - a.helps ||
          (a.package === b.package ? compareText(a.version, b.version) : compareText(a.package, b.package)),
      ),
  };
}

interface Counted {
  severity: Severity;
  workloads: number;
  packages: Set<string>;
  fixedIn: Set<string>;
}

function countedOf(cves: Map<string, Counted>, finding: Finding): Counted {
  let known = cves.get(finding.id);
  if (known === undefined) {
    known = { severity: finding.severity, workloads: 0, packages: new Set(), fixedIn: new Set() };
    cves.set(finding.id, known);
  }
  if (compareSeverity(finding.severity, known.severity) < 0) known.severity = finding.severity;
  if (finding.package) known.packages.add(finding.package.name);
  if (finding.fix?.available && finding.fix.version) known.fixedIn.add(finding.fix.version);
  return known;
}

function upgrades(findings: Iterable<Finding>) {
  const found = new Map<string, { name: string; version: string; removes: number }>();
  for (const { package: about, fix } of findings) {
    if (!about || !fix?.available || !fix.version) continue;
    const key = `${about.name} ${fix.version}`;
    const known = found.get(key);
    if (known) known.removes += 1;
    else found.set(key, { name: about.name, version: fix.version, removes: 1 });
  }
  return found;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
