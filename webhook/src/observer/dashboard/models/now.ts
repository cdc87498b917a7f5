/** The page "now": what is denied, or would be, by namespace, rule and CVE. */
import { compareSeverity, type Finding, type Mode, type Outcome, type Severity } from "@gatehouse/policy";
import type { Aspect, JudgedWorkload } from "../../background.ts";
import { imageLink, link } from "../links.ts";
import type { Asked, Reasons, Survey } from "../survey.ts";
import { pageOf, type Cell, type Table } from "../table.ts";
import { few, outcomeCell } from "../words.ts";

/** What the page is asked for. */
export interface NowQuery {
  /** Only workloads of this namespace, under this rule, with this CVE. */
  namespace: string;
  rule: string;
  cve: string;
  page: number;
  /** All rows rather than one page of them. */
  whole: boolean;
}

/** The page's content. */
export interface NowModel {
  mode: Mode;
  workloads: number;
  denied: number;
  audited: number;
  admitted: number;
  unknown: number;
  /** Workloads that would be admitted now but whose Pods run something that would not. */
  runningDenied: number;
  namespaces: Table;
  rules: Table;
  cves: Table;
  list: Table;
}

interface Row {
  one: JudgedWorkload;
  worst: Outcome;
  reasons: readonly Reasons[];
}

interface CveCount {
  severity: Severity;
  fixes: Set<string>;
  packages: Set<string>;
  denied: number;
  audited: number;
}

/** Builds the page in steps, between which others may have a turn. */
export function* nowModel(
  workloads: Iterable<JudgedWorkload>,
  survey: Survey,
  mode: Mode,
  query: NowQuery,
): Generator<void, NowModel> {
  const rows: Row[] = [];
  const counts = { workloads: 0, denied: 0, audited: 0, admitted: 0, unknown: 0, runningDenied: 0 };
  const byNamespace = new Map<string, { workloads: number; denied: number; audited: number }>();
  const byRule = new Map<string, { denied: number; audited: number }>();
  const byCve = new Map<string, CveCount>();
  for (const one of workloads) {
    yield;
    const { namespace } = one.subjects;
    const verdicts = (["written", "running"] as const).flatMap((aspect) => one[aspect]?.inDenyMode ?? []);
    counts.workloads++;
    const inNamespace = byNamespace.get(namespace) ?? { workloads: 0, denied: 0, audited: 0 };
    byNamespace.set(namespace, inNamespace);
    inNamespace.workloads++;
    if (verdicts.length === 0) {
      counts.unknown++;
      continue;
    }
    const worst = worstOf(verdicts);
    if (worst === "allow") {
      counts.admitted++;
      continue;
    }
    const kind = kindOf(worst);
    counts[kind]++;
    inNamespace[kind]++;
    if (one.running?.inDenyMode === "deny" && one.written?.inDenyMode !== "deny") counts.runningDenied++;
    const reasons = aspectsAt(one, worst).flatMap((aspect) => survey.reasons(one, aspect) ?? []);
    for (const [rule, outcome] of worstOfEach(reasons, ({ rules }) =>
      rules.map((one) => [one.rule, one.outcome]),
    )) {
      const count = byRule.get(rule) ?? { denied: 0, audited: 0 };
      byRule.set(rule, count);
      count[kindOf(outcome)]++;
    }
    for (const { finding } of reasons.flatMap(({ findings }) => findings)) learnOf(byCve, finding);
    for (const [id, outcome] of worstOfEach(reasons, ({ findings }) =>
      findings.map((one) => [one.finding.id, one.outcome]),
    )) {
      const count = byCve.get(id);
      if (count !== undefined) count[kindOf(outcome)]++;
    }
    rows.push({ one, worst, reasons });
  }
  const wanted = rows.filter((row) => fits(row, query)).sort(byWorst);
  const { shown, paging } = pageOf(wanted, { page: query.page, whole: query.whole, parameter: "page" });
  return {
    mode,
    ...counts,
    namespaces: namespaceTable(byNamespace, mode),
    rules: ruleTable(byRule, mode),
    cves: cveTable(byCve, query.whole, mode),
    list: { ...workloadTable(shown, mode), ...(paging === undefined ? {} : { paging }) },
  };
}

function worstOf(all: readonly Outcome[]): Outcome {
  return all.includes("deny") ? "deny" : all.includes("audit") ? "audit" : "allow";
}

function aspectsAt(one: JudgedWorkload, worst: Outcome): Aspect[] {
  return (["written", "running"] as const).filter((aspect) => one[aspect]?.inDenyMode === worst);
}

function kindOf(outcome: Asked): "denied" | "audited" {
  return outcome === "deny" ? "denied" : "audited";
}

/** Each name once, with the worst that was asked for because of it. */
function worstOfEach(
  all: readonly Reasons[],
  namesOf: (reasons: Reasons) => readonly (readonly [name: string, outcome: Asked])[],
): Map<string, Asked> {
  const worst = new Map<string, Asked>();
  for (const [name, outcome] of all.flatMap(namesOf))
    if (worst.get(name) !== "deny") worst.set(name, outcome);
  return worst;
}

function learnOf(byCve: Map<string, CveCount>, { id, severity, fix, package: about }: Finding): void {
  const count = byCve.get(id) ?? { severity, fixes: new Set(), packages: new Set(), denied: 0, audited: 0 };
  byCve.set(id, count);
  if (compareSeverity(severity, count.severity) < 0) count.severity = severity;
  if (about !== undefined) count.packages.add(about.name);
  if (fix?.available === true) count.fixes.add(fix.version ?? "available");
}

function fits({ one, reasons }: Row, { namespace, rule, cve }: NowQuery): boolean {
  if (namespace !== "" && one.subjects.namespace !== namespace) return false;
  if (rule !== "" && !reasons.some(({ rules }) => rules.some((one) => one.rule === rule))) return false;
  return cve === "" || reasons.some(({ findings }) => findings.some(({ finding }) => finding.id === cve));
}

function byWorst(a: Row, b: Row): number {
  if (a.worst !== b.worst) return a.worst === "deny" ? -1 : 1;
  return a.one.subjects.owner < b.one.subjects.owner ? -1 : 1;
}

const deniedLabel = (mode: Mode) => (mode === "deny" ? "Denied" : "Would be denied");

function namespaceTable(
  counts: ReadonlyMap<string, { workloads: number; denied: number; audited: number }>,
  mode: Mode,
): Table {
  return {
    name: "namespaces",
    caption: "By namespace",
    empty: "No workload was found.",
    columns: [
      { key: "namespace", label: "Namespace" },
      { key: "denied", label: deniedLabel(mode), kind: "number" },
      { key: "audited", label: "Audited", kind: "number" },
      { key: "workloads", label: "Workloads", kind: "number" },
    ],
    rows: [...counts]
      .sort(
        ([a, x], [b, y]) =>
          y.denied - x.denied || y.audited - x.audited || y.workloads - x.workloads || (a < b ? -1 : 1),
      )
      .map(([namespace, { denied, audited, workloads }]) => [
        { text: namespace, href: link("now", { namespace }) },
        counted(denied, "deny"),
        counted(audited, "audit"),
        workloads,
      ]),
  };
}

function ruleTable(counts: ReadonlyMap<string, { denied: number; audited: number }>, mode: Mode): Table {
  return {
    name: "rules",
    caption: "By rule",
    empty: "No rule asks for anything.",
    columns: [
      { key: "rule", label: "Rule" },
      { key: "denied", label: deniedLabel(mode), kind: "number" },
      { key: "audited", label: "Audited", kind: "number" },
    ],
    rows: [...counts]
      .sort(([a, x], [b, y]) => y.denied - x.denied || y.audited - x.audited || (a < b ? -1 : 1))
      .map(([rule, { denied, audited }]) => [
        { text: rule, href: link("now", { rule }) },
        counted(denied, "deny"),
        counted(audited, "audit"),
      ]),
  };
}

/** CVEs on screen; the export has all. */
const mostCves = 20;

function cveTable(counts: ReadonlyMap<string, CveCount>, whole: boolean, mode: Mode): Table {
  const sorted = [...counts].sort(
    ([a, x], [b, y]) =>
      y.denied - x.denied ||
      y.audited - x.audited ||
      compareSeverity(x.severity, y.severity) ||
      (a < b ? -1 : 1),
  );
  const shown = whole ? sorted : sorted.slice(0, mostCves);
  return {
    name: "cves",
    caption: shown.length < sorted.length ? `By CVE: ${mostCves} of ${sorted.length}` : "By CVE",
    empty: "No finding decides anything.",
    columns: [
      { key: "cve", label: "CVE" },
      { key: "severity", label: "Severity" },
      { key: "packages", label: "Packages" },
      { key: "fixed_in", label: "Fixed in" },
      { key: "denied", label: deniedLabel(mode), kind: "number" },
      { key: "audited", label: "Audited", kind: "number" },
    ],
    rows: shown.map(([cve, { severity, packages, fixes, denied, audited }]) => [
      { text: cve, href: link("now", { cve }) },
      severity,
      few([...packages].sort()),
      fixes.size === 0 ? "no fix known" : few([...fixes].sort()),
      counted(denied, "deny"),
      counted(audited, "audit"),
    ]),
  };
}

function workloadTable(rows: readonly Row[], mode: Mode): Table {
  return {
    name: "workloads",
    caption: "Workloads",
    empty: "No workload is denied or audited.",
    columns: [
      { key: "workload", label: "Workload" },
      { key: "created_again", label: "If created again" },
      { key: "running", label: "What runs" },
      { key: "rules", label: "Rules", kind: "wide" },
      { key: "findings", label: "Findings", kind: "wide" },
      { key: "image", label: "Image", kind: "code" },
      { key: "pods", label: "Pods", kind: "number" },
    ],
    rows: rows.map(({ one, reasons }) => {
      const { subjects } = one;
      const ids = [...new Set(reasons.flatMap(({ findings }) => findings.map(({ finding }) => finding.id)))];
      return [
        {
          text: subjects.owner,
          href: link("admissions", { namespace: subjects.namespace, workload: nameOf(subjects.owner) }),
        },
        outcomeCell(one.written?.inDenyMode, mode),
        one.running === undefined
          ? { text: subjects.pods === 0 ? "nothing runs" : "not known yet", tone: "quiet" }
          : outcomeCell(one.running.inDenyMode, mode),
        few([...new Set(reasons.flatMap(({ rules }) => rules.map(({ rule }) => rule)))]),
        few(ids, 2),
        imageCell(one),
        subjects.pods,
      ];
    }),
  };
}

/** `Kind/name` of `namespace/Kind/name`. */
export function nameOf(owner: string): string {
  return owner.slice(owner.indexOf("/") + 1);
}

function imageCell({ subjects }: JudgedWorkload): Cell {
  // What runs is what is written, by its digest, but where nothing is written.
  const judged =
    subjects.written.length > 0 ? subjects.written : subjects.running.map(({ subject }) => subject);
  const images = judged.flatMap((subject) => subject.images.map(({ reference }) => reference));
  const [first, ...others] = new Set(images);
  if (first === undefined) return { text: "" };
  return {
    text: first,
    href: imageLink(first, subjects.owner),
    ...(others.length === 0 ? {} : { note: `and ${others.length} more` }),
  };
}

function counted(count: number, tone: "deny" | "audit"): Cell {
  return count === 0 ? { text: 0, tone: "quiet" } : { text: count, tone };
}
