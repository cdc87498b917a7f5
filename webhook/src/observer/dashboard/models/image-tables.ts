/** The tables of an image's page: its reports and findings, and what each rule and exemption makes of them. */
import {
  because,
  compareSeverity,
  type ExemptionResult,
  type Finding,
  type ImageDecision,
  type ImageScan,
  type Mode,
  type Policy,
  type RuleResult,
} from "@gatehouse/policy";
import { pageOf, type Cell, type Table } from "../table.ts";
import { ago, few, moment, plural } from "../words.ts";
import { order } from "./image-places.ts";

/** Scan reports, one for each platform. */
export function reportTable({ platforms }: ImageScan, now: number): Table {
  return {
    name: "reports",
    caption: "Scan reports",
    empty: "There is no report.",
    columns: [
      { key: "platform", label: "Platform" },
      { key: "state", label: "State" },
      { key: "source", label: "Source" },
      { key: "scanned", label: "Scan ended (UTC)", kind: "time" },
      { key: "findings", label: "Findings", kind: "number" },
      { key: "vouched", label: "Vouched for by" },
      { key: "digest", label: "Digest", kind: "code" },
    ],
    rows: platforms.map(({ platform, digest, report }) => [
      platform ?? "any",
      {
        text: report.state,
        tone: report.state === "complete" ? "allow" : "audit",
        ...(report.reason === undefined ? {} : { note: report.reason }),
      },
      report.scanner === undefined
        ? report.source
        : { text: report.source, note: `${report.scanner.name} ${report.scanner.version ?? ""}`.trim() },
      report.scannedAt === undefined
        ? { text: "not known", tone: "quiet" }
        : { text: moment(report.scannedAt), note: ago(Date.parse(report.scannedAt), now) },
      report.findings.length,
      report.trust.kind === "signed"
        ? { text: "a signature", note: report.trust.identity }
        : report.trust.kind === "unsigned"
          ? { text: "nobody", tone: "audit" }
          : "its source",
      digest ?? "",
    ]),
  };
}

/** Findings, those that decide first. */
export function findingTable(
  { platforms }: ImageScan,
  counted: ReadonlySet<Finding>,
  decision: ImageDecision | undefined,
  query: { page: number; whole: boolean },
): Table {
  const all = new Map<string, { finding: Finding; platforms: string[]; decides: boolean }>();
  for (const { platform, report } of platforms)
    for (const finding of report.findings) {
      const { id, package: about } = finding;
      const key = JSON.stringify([id, about?.name, about?.version, about?.path]);
      const known = all.get(key) ?? { finding, platforms: [], decides: false };
      all.set(key, known);
      known.decides ||= counted.has(finding);
      if (platform !== undefined) known.platforms.push(platform);
    }
  const aside = new Map(
    decision?.rules.flatMap(({ setAside }) =>
      setAside.map(({ finding, by }) => [finding, "vex" in by ? `VEX ${by.vex}` : by.exemption] as const),
    ),
  );
  const sorted = [...all.values()].sort(
    (a, b) =>
      Number(b.decides) - Number(a.decides) ||
      compareSeverity(a.finding.severity, b.finding.severity) ||
      (a.finding.id < b.finding.id ? -1 : 1),
  );
  const { shown, paging } = pageOf(sorted, { page: query.page, whole: query.whole, parameter: "page" });
  return {
    name: "findings",
    caption: "Findings",
    empty: "The scan found nothing.",
    columns: [
      { key: "id", label: "Id" },
      { key: "severity", label: "Severity" },
      { key: "package", label: "Package" },
      { key: "fixed_in", label: "Fixed in" },
      { key: "cvss", label: "CVSS", kind: "number" },
      { key: "epss", label: "EPSS", kind: "number" },
      { key: "exploited", label: "Known exploited" },
      { key: "counts", label: "Counts" },
      { key: "platforms", label: "Platforms" },
    ],
    rows: shown.map(({ finding, platforms, decides }) => {
      const { id, severity, package: about, fix, cvss, epss, knownExploited } = finding;
      const excuse = aside.get(id);
      return [
        finding.title === undefined ? id : { text: id, note: finding.title },
        severity,
        about === undefined ? "not known" : `${about.name} ${about.version ?? ""}`.trim(),
        fix === undefined
          ? { text: "not known", tone: "quiet" }
          : fix.available
            ? (fix.version ?? "a version not named")
            : "no fix yet",
        cvss ?? "",
        epss ?? "",
        knownExploited === undefined ? { text: "not known", tone: "quiet" } : knownExploited ? "yes" : "no",
        decides
          ? { text: "decides", tone: "deny" }
          : excuse === undefined
            ? ""
            : { text: "set aside", tone: "quiet", note: excuse },
        platforms.join(", "),
      ];
    }),
    ...(paging === undefined ? {} : { paging }),
  };
}

/** Rules, what decides first. */
export function ruleTable(decision: ImageDecision | undefined, policy: Policy, mode: Mode): Table {
  return {
    name: "rules",
    caption: "Rules, one by one",
    empty: "The policy has no rule.",
    columns: [
      { key: "rule", label: "Rule" },
      { key: "outcome", label: "Asks for" },
      { key: "why", label: "Why" },
      { key: "could_not_tell", label: "Could not tell" },
    ],
    rows: (decision?.rules ?? [])
      .toSorted(byAsked)
      .map((result) => [
        { text: result.rule, note: policy.rules[result.rule]?.description ?? "" },
        ruleOutcome(result, mode),
        decision === undefined ? "" : whyOf(decision, result),
        few([...new Set(result.couldNotTell.map(({ attribute }) => attribute))]),
      ]),
  };
}

/** What decides comes first; rules that ask for the same stay in the policy's order. */
function byAsked(a: RuleResult, b: RuleResult): number {
  return order.indexOf(a.outcome) - order.indexOf(b.outcome);
}

function ruleOutcome({ outcome, status }: RuleResult, mode: Mode): Cell {
  if (outcome === "allow")
    return { text: status === "evaluated" ? "nothing" : "does not apply", tone: "quiet" };
  const text = outcome === "audit" ? "audit" : mode === "deny" ? "deny" : "deny (in mode deny)";
  return { text, tone: outcome };
}

function whyOf(image: ImageDecision, result: RuleResult): string {
  switch (result.status) {
    case "disabled":
      return "The rule is disabled.";
    case "out-of-scope":
      return "The rule is not about this workload or image.";
    case "excepted":
      return "An exception of the rule fits.";
    case "exempt":
      return `Exempt by ${result.exemption ?? ""}.`;
    case "already-running":
      return "It runs here already and is admitted for a while.";
    case "evaluated":
      break;
    default:
      return result.status satisfies never;
  }
  if (result.outcome !== "allow") return because(image, result);
  if (result.state.exemption !== undefined)
    return `The scan is ${result.state.state}, which ${result.state.exemption} excuses.`;
  return "Its condition does not hold.";
}

/** Exemptions that are about the image. */
export function exemptionTable(results: readonly ExemptionResult[], policy: Policy): Table {
  // What is not about this image may be about somebody else's.
  const about = results.filter(({ status }) => status === "used" || status === "unused");
  return {
    name: "exemptions",
    caption: "Exemptions that are about it",
    empty: "No exemption in force is about this image here.",
    columns: [
      { key: "exemption", label: "Exemption" },
      { key: "status", label: "Used" },
      { key: "owner", label: "Owner" },
      { key: "ends", label: "Ends" },
    ],
    rows: about.map(({ exemption, status, daysLeft }) => [
      { text: exemption, note: policy.exemptions[exemption]?.reason ?? "" },
      status === "used" ? { text: "used", tone: "audit" } : { text: "not needed", tone: "quiet" },
      policy.exemptions[exemption]?.owner ?? "",
      daysLeft === undefined ? "never" : `in ${plural(daysLeft, "day")}`,
    ]),
  };
}
