/** The page of an image: its reports, what each rule and exemption makes of it, what would change that, where it runs. */
import {
  because,
  compareSeverity,
  decide,
  formatRepository,
  parseImageReference,
  applyMode,
  whatWouldChange,
  type Change,
  type ExemptionResult,
  type Finding,
  type ImageDecision,
  type ImageScan,
  type Mode,
  type Outcome,
  type Policy,
  type RuleResult,
  type Subject,
} from "@gatehouse/policy";
import type { Aspect, Background, JudgedWorkload } from "../../background.ts";
import { imageLink, link } from "../links.ts";
import type { Regime } from "../survey.ts";
import { pageOf, type Cell, type Table } from "../table.ts";
import { ago, few, moment, outcomeCell, plural } from "../words.ts";
import { nameOf } from "./now.ts";

/** What the page is asked for. */
export interface ImageQuery {
  reference: string;
  /** Workload for which it is judged; the worst off when empty. */
  owner: string;
  page: number;
  whole: boolean;
}

/** The page's content. */
export interface ImageModel {
  reference: string;
  digest: string | undefined;
  mode: Mode;
  /** Workload for which it was judged here. */
  owner: string;
  verdict: Cell;
  reports: Table;
  findings: Table;
  rules: Table;
  exemptions: Table;
  changes: readonly string[];
  places: Table;
}

interface Place {
  one: JudgedWorkload;
  aspect: Aspect;
  subject: Subject;
  /** As it is written there. */
  reference: string;
  pods: number | undefined;
  scan: ImageScan;
  decision: ImageDecision | undefined;
  outcome: Outcome;
}

/**
 * Builds the page from the workloads that the viewer may see. Undefined when none of them has the image: whether
 * another has is not told.
 */
export function imageModel(
  workloads: Iterable<JudgedWorkload>,
  background: Pick<Background, "scan">,
  regime: Regime,
  query: ImageQuery,
  now: number,
): ImageModel | undefined {
  const places = [...placesOf(workloads, background, regime, query.reference, now)].sort(byWorst);
  const at = places.find(({ one }) => one.subjects.owner === query.owner) ?? places[0];
  if (at === undefined) return undefined;
  const { policy, mode } = regime;
  const { scan, decision, subject } = at;
  const scans = new Map([[at.reference, scan]]);
  const ruling = applyMode(decide(policy, subject, scans, now), mode);
  const counted = new Set(
    decision?.rules.flatMap(({ outcome, findings }) => (outcome === "allow" ? [] : findings)),
  );
  return {
    reference: query.reference,
    digest: scan.digest,
    mode,
    owner: at.one.subjects.owner,
    verdict: outcomeCell(at.outcome, mode),
    reports: reportTable(scan, now),
    findings: findingTable(scan, counted, decision, query),
    rules: ruleTable(decision, policy, mode),
    exemptions: exemptionTable(ruling.exemptions, policy),
    changes: changeLines(whatWouldChange(policy, subject, scans, now), policy, at.outcome, mode),
    places: placeTable(places, query.reference, mode),
  };
}

function* placesOf(
  workloads: Iterable<JudgedWorkload>,
  background: Pick<Background, "scan">,
  { policy, running }: Regime,
  wanted: string,
  now: number,
): Generator<Place> {
  const all = [...workloads];
  const digest = digestOf(all, background, wanted);
  for (const one of all) {
    const { subjects } = one;
    const written = subjects.written.map((subject) => ({
      aspect: "written" as const,
      subject,
      pods: undefined,
    }));
    const run = subjects.running.map(({ subject, pods }) => ({ aspect: "running" as const, subject, pods }));
    const seen = new Set<Aspect>();
    for (const { aspect, subject, pods } of [...written, ...run]) {
      const reference = subject.images
        .map((image) => image.reference)
        .find(
          (other) => other === wanted || sameImage(other, wanted, digest, background.scan(subjects, other)),
        );
      if (reference === undefined || seen.has(aspect)) continue;
      const scan = background.scan(subjects, reference);
      if (scan === undefined) continue;
      seen.add(aspect);
      const onRecord = running.filter(({ namespace }) => namespace === subjects.namespace);
      const judged = { ...imageAlone(subject, reference), running: onRecord };
      const { images } = decide(policy, judged, new Map([[reference, scan]]), now);
      const [decision] = images;
      yield {
        one,
        aspect,
        subject: judged,
        reference,
        pods,
        scan,
        decision,
        outcome: decision?.outcome ?? "deny",
      };
    }
  }
}

function digestOf(
  workloads: readonly JudgedWorkload[],
  background: Pick<Background, "scan">,
  reference: string,
): string | undefined {
  for (const { subjects } of workloads) {
    const digest = background.scan(subjects, reference)?.digest;
    if (digest !== undefined) return digest;
  }
  return undefined;
}

/** Whether a reference by tag and one by digest name the same image of one repository now. */
function sameImage(
  other: string,
  wanted: string,
  digest: string | undefined,
  scan: ImageScan | undefined,
): boolean {
  if (digest === undefined || scan?.digest !== digest) return false;
  const [a, b] = [parseImageReference(other), parseImageReference(wanted)];
  return a.ok && b.ok && formatRepository(a.reference) === formatRepository(b.reference);
}

function imageAlone(subject: Subject, reference: string): Subject {
  return { ...subject, images: subject.images.filter((image) => image.reference === reference) };
}

const order: readonly Outcome[] = ["deny", "audit", "allow"];

function byWorst(a: Place, b: Place): number {
  return (
    order.indexOf(a.outcome) - order.indexOf(b.outcome) ||
    (a.one.subjects.owner < b.one.subjects.owner ? -1 : 1)
  );
}

function reportTable({ platforms }: ImageScan, now: number): Table {
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

function findingTable(
  { platforms }: ImageScan,
  counted: ReadonlySet<Finding>,
  decision: ImageDecision | undefined,
  query: ImageQuery,
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

function ruleTable(decision: ImageDecision | undefined, policy: Policy, mode: Mode): Table {
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
    rows: (decision?.rules ?? []).map((result) => [
      { text: result.rule, note: policy.rules[result.rule]?.description ?? "" },
      ruleOutcome(result, mode),
      decision === undefined ? "" : whyOf(decision, result),
      few([...new Set(result.couldNotTell.map(({ attribute }) => attribute))]),
    ]),
  };
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

function exemptionTable(results: readonly ExemptionResult[], policy: Policy): Table {
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

function placeTable(places: readonly Place[], reference: string, mode: Mode): Table {
  return {
    name: "places",
    caption: "Where it is",
    empty: "Nowhere.",
    columns: [
      { key: "workload", label: "Workload" },
      { key: "as", label: "As" },
      { key: "pods", label: "Pods", kind: "number" },
      { key: "verdict", label: "Verdict there" },
      { key: "admissions", label: "Admissions" },
    ],
    rows: places.map(({ one, aspect, pods, outcome }) => {
      const { owner, namespace } = one.subjects;
      return [
        { text: owner, href: imageLink(reference, owner) },
        aspect === "written" ? "written in its template" : "running",
        pods ?? "",
        outcomeCell(outcome, mode),
        { text: `of ${nameOf(owner)}`, href: link("admissions", { namespace, workload: nameOf(owner) }) },
      ];
    }),
  };
}

function changeLines(changes: readonly Change[], policy: Policy, outcome: Outcome, mode: Mode): string[] {
  const then = (after: Outcome) => outcomeCell(after, mode).text;
  const lines = changes.flatMap((change): string[] => {
    switch (change.kind) {
      case "upgrade":
        return [
          ...change.upgrades.map(
            ({ package: name, from, to, findings }) =>
              `Upgrade ${name}${from === undefined ? "" : ` from ${from}`} to ${to.length === 0 ? "the version with the fix" : to.join(" or later, ")} (${few(findings)}).`,
          ),
          `With ${change.upgrades.length === 1 ? "it" : "all of them"} it is ${then(change.outcome)}.`,
        ];
      case "no-fix":
        return [
          `No fix is known for ${few([...new Set(change.findings.map(({ id }) => id))], 5)}. ${policy.exemptionHelp}`,
        ];
      case "scan":
        return [`After a finished scan that finds no more than is known it is ${then(change.outcome)}.`];
      case "renew":
        return [
          `With exemption ${change.exemption}, which ended on ${change.until}, it is ${then(change.outcome)}.`,
        ];
      case "ends":
        return [
          `Once exemption ${change.exemption} ${change.until === undefined ? "is taken out" : `ends (${change.until})`} it is ${then(change.outcome)}.`,
        ];
      default:
        return change satisfies never;
    }
  });
  if (lines.length > 0) return lines;
  return outcome === "allow"
    ? ["Nothing has to change: it is admitted."]
    : [`An exemption. ${policy.exemptionHelp}`];
}
