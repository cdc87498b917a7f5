import type { CompiledPolicy } from "./compile.ts";
import type { SetAside } from "./decision.ts";
import type { ActiveExemptions } from "./exemptions.ts";
import type { Finding } from "./finding.ts";
import type { PlatformScan } from "./scan.ts";
import type { ImageFacts } from "./scope.ts";

/** What may take findings out of one image. */
export interface Excuses {
  readonly policy: CompiledPolicy;
  readonly facts: ImageFacts;
  readonly scan: PlatformScan;
  readonly exemptions: ActiveExemptions;
}

/** What is left of findings, and what was set aside. */
export interface Remaining {
  findings: readonly Finding[];
  setAside: readonly SetAside[];
}

const nothing: readonly never[] = [];

/** Takes out of counted findings those that exemptions and VEX set aside for a rule. */
export function withoutSetAside(counted: readonly Finding[], rule: string, by: Excuses): Remaining {
  const { policy, scan, exemptions } = by;
  const excusable = policy.excusable(scan.report.findings);
  if (excusable.size === 0 || (exemptions.none && !policy.hasVex))
    return { findings: counted, setAside: nothing };
  const setAside: SetAside[] = [];
  const findings = counted.filter((finding) => {
    const excuse = excusable.has(finding) ? excuseOf(finding, rule, by) : undefined;
    if (excuse === undefined) return true;
    const place = finding.package === undefined ? {} : { package: finding.package.name };
    setAside.push({ finding: finding.id, ...place, by: excuse });
    return false;
  });
  return { findings, setAside };
}

function excuseOf(
  finding: Finding,
  rule: string,
  { policy, facts, exemptions }: Excuses,
): SetAside["by"] | undefined {
  const exemption = exemptions.finding(rule, finding);
  if (exemption !== undefined) return { exemption };
  const statement = policy.hasVex ? policy.vex(finding, facts) : undefined;
  if (statement === undefined) return undefined;
  const { document, justification } = statement;
  return justification === undefined ? { vex: document } : { vex: document, justification };
}

/** One entry for each finding and package, however often it was counted. */
export function distinct(entries: readonly SetAside[]): readonly SetAside[] {
  return [...new Map(entries.map((entry) => [`${entry.finding} ${entry.package ?? ""}`, entry])).values()];
}
