/** What would change a verdict, found by asking `decide` again. */
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { Finding } from "./finding.ts";
import type { Outcome, Policy } from "./model.ts";
import type { ScanReport, Scans } from "./scan.ts";
import type { Subject } from "./subject.ts";

/** Something that would change a verdict, or is about to. */
export type Change =
  /** Upgrades, and what would come of all of them together. */
  | { kind: "upgrade"; upgrades: readonly Upgrade[]; outcome: Outcome }
  /** Findings that decide and that nobody has a fix for. */
  | { kind: "no-fix"; findings: readonly Finding[] }
  /** A scan that ends and finds no more than is known. */
  | { kind: "scan"; outcome: Outcome }
  | { kind: "renew"; exemption: string; until: string; outcome: Outcome }
  /** An exemption that was used: what comes once it ends. */
  | {
      kind: "ends";
      exemption: string;
      until: string | undefined;
      daysLeft: number | undefined;
      outcome: Outcome;
    };

/** A package with findings that a newer version fixes. */
export interface Upgrade {
  package: string;
  from: string | undefined;
  /** Versions that fix one or more of them; empty when a fix is out whose version is not known. */
  to: readonly string[];
  findings: readonly string[];
}

/** Pure: asks the same question again with one thing changed at a time. */
export function whatWouldChange(policy: Policy, subject: Subject, scans: Scans, now: number): Change[] {
  const ask = (changedPolicy: Policy, changedScans: Scans) =>
    decide(changedPolicy, subject, changedScans, now);
  const base = ask(policy, scans);
  const changes: Change[] = [];
  const deciding = decidingFindings(base);
  const fixable = deciding.filter(({ fix }) => fix?.available === true);
  if (fixable.length > 0) {
    const gone = new Set(fixable);
    const without = mapReports(scans, (report) => ({
      ...report,
      findings: report.findings.filter((finding) => !gone.has(finding)),
    }));
    changes.push({ kind: "upgrade", upgrades: upgradesOf(fixable), outcome: ask(policy, without).outcome });
  }
  const unfixed = deciding.filter(({ fix }) => fix?.available !== true);
  if (unfixed.length > 0) changes.push({ kind: "no-fix", findings: unfixed });
  if (base.images.some(({ state, outcome }) => state !== "complete" && outcome !== "allow")) {
    const done = mapReports(scans, (report) => ({ ...report, state: "complete" }));
    changes.push({ kind: "scan", outcome: ask(policy, done).outcome });
  }
  for (const { exemption, status, daysLeft } of base.exemptions) {
    const one = policy.exemptions[exemption];
    if (one === undefined) continue;
    const { until, ...rest } = one;
    if (status === "expired" && until !== undefined) {
      const renewed = {
        ...policy,
        exemptions: { ...policy.exemptions, [exemption]: { ...rest, permanent: true as const } },
      };
      const { outcome, exemptions } = ask(renewed, scans);
      if (exemptions.some((result) => result.exemption === exemption && result.status === "used"))
        changes.push({ kind: "renew", exemption, until, outcome });
    }
    if (status === "used") {
      const { [exemption]: _, ...others } = policy.exemptions;
      const { outcome } = ask({ ...policy, exemptions: others }, scans);
      if (outcome !== base.outcome) changes.push({ kind: "ends", exemption, until, daysLeft, outcome });
    }
  }
  return changes;
}

function decidingFindings({ images }: Decision): Finding[] {
  return [
    ...new Set(
      images.flatMap(({ rules }) =>
        rules.flatMap(({ outcome, findings }) => (outcome === "allow" ? [] : findings)),
      ),
    ),
  ];
}

function upgradesOf(findings: readonly Finding[]): Upgrade[] {
  const byPackage = new Map<string, { about: Finding["package"]; findings: Finding[] }>();
  for (const finding of findings) {
    const key = JSON.stringify([finding.package?.name, finding.package?.version]);
    const entry = byPackage.get(key) ?? { about: finding.package, findings: [] };
    entry.findings.push(finding);
    byPackage.set(key, entry);
  }
  return [...byPackage.values()].map(({ about, findings: all }) => ({
    package: about?.name ?? "a package that is not known",
    from: about?.version,
    to: [...new Set(all.flatMap(({ fix }) => (fix?.available === true ? (fix.version ?? []) : [])))],
    findings: [...new Set(all.map(({ id }) => id))],
  }));
}

function mapReports(scans: Scans, change: (report: ScanReport) => ScanReport): Scans {
  return new Map(
    [...scans].map(([reference, scan]) => [
      reference,
      {
        ...scan,
        platforms: scan.platforms.map((platform) => ({ ...platform, report: change(platform.report) })),
      },
    ]),
  );
}
