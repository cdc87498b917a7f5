/** The page "exemptions": whose they are, when they end, and whether anything needs them. */
import { daysUntil, decide, endOf, type Exemption, type ImageScan, type Policy } from "@gatehouse/policy";
import { emergencyPrefix } from "../../../judge/emergency.ts";
import type { Background, JudgedWorkload } from "../../background.ts";
import { link } from "../links.ts";
import type { Survey } from "../survey.ts";
import type { Cell, Table } from "../table.ts";
import { plural } from "../words.ts";

/** Days before its end from which an exemption is set off. */
const soonDays = 14;

/** Builds the table. A viewer who sees some namespaces only gets the exemptions that are about something in them. */
export function* exemptionsTable(
  workloads: Iterable<JudgedWorkload>,
  options: {
    survey: Survey;
    background: Pick<Background, "scan">;
    policy: Policy;
    all: boolean;
    now: number;
  },
): Generator<void, Table> {
  const { policy, survey, now, all } = options;
  const used = new Map<string, JudgedWorkload[]>();
  const about = new Set<string>();
  const asked = all ? undefined : lasting(policy);
  for (const one of workloads) {
    yield;
    const names = new Set<string>();
    for (const aspect of ["written", "running"] as const) {
      const reasons = survey.reasons(one, aspect);
      for (const name of reasons?.exemptions ?? []) names.add(name);
      for (const name of reasons?.about ?? []) about.add(name);
    }
    for (const name of names) used.set(name, [...(used.get(name) ?? []), one]);
    if (asked !== undefined)
      for (const name of aboutEver(asked, one, options.background, now)) about.add(name);
  }
  const shown = Object.entries(policy.exemptions).filter(
    ([name]) => all || about.has(name) || used.has(name),
  );
  return {
    name: "exemptions",
    caption: "Exemptions",
    empty: all ? "The policy has no exemption." : "No exemption is about anything that you may see.",
    columns: [
      { key: "exemption", label: "Exemption" },
      { key: "status", label: "Status" },
      { key: "ends", label: "Ends", kind: "short" },
      { key: "used_by", label: "Used by" },
      { key: "owner", label: "Owner", kind: "short" },
      { key: "ticket", label: "Ticket", kind: "short" },
      { key: "covers", label: "Covers" },
    ],
    rows: shown
      .map(([name, exemption]) => ({ name, exemption, end: endOf(exemption.until ?? "") ?? Infinity }))
      .sort((a, b) => a.end - b.end || (a.name < b.name ? -1 : 1))
      .map(({ name, exemption, end }) => [
        { text: name, note: exemption.reason },
        statusCell(name, end, used.has(name), now),
        exemption.until === undefined
          ? "never"
          : {
              text: exemption.until,
              note: now >= end ? "ended" : `in ${plural(daysUntil(end, now), "day")}`,
            },
        usedByCell(used.get(name) ?? []),
        exemption.owner,
        exemption.ticket ?? "",
        coversText(exemption),
      ]),
  };
}

function statusCell(name: string, end: number, used: boolean, now: number): Cell {
  const emergency = name.startsWith(emergencyPrefix) ? { note: "break-glass" } : {};
  if (now >= end) return { text: "expired", tone: "deny", ...emergency };
  const soon = daysUntil(end, now) <= soonDays;
  if (!used) return { text: "not used", tone: "quiet", ...emergency };
  return { text: soon ? "used, ends soon" : "used", tone: soon ? "audit" : "allow", ...emergency };
}

function usedByCell(all: readonly JudgedWorkload[]): Cell | string {
  const [first, ...others] = all;
  if (first === undefined) return { text: "nothing", tone: "quiet" };
  const { owner, namespace } = first.subjects;
  return {
    text: owner,
    href: link("now", { namespace }),
    ...(others.length === 0 ? {} : { note: `and ${plural(others.length, "other workload")}` }),
  };
}

function coversText({ rules, cves, packages, states, untilFixed }: Exemption): string {
  const parts = [
    cves === undefined ? "" : [cves].flat().join(", "),
    packages === undefined ? "" : `in ${[packages].flat().join(", ")}`,
    states === undefined ? "" : `scans that are ${states.join(", ")}`,
    rules === undefined ? "of any rule" : `of ${rules.join(", ")}`,
    untilFixed === true ? "until a fix is out" : "",
  ];
  return parts.filter((part) => part !== "").join(" ");
}

/** The policy with exemptions that do not end: an expired one would not say whom it was about. */
function lasting(policy: Policy): Policy {
  const exemptions = Object.entries(policy.exemptions).map(([name, exemption]): [string, Exemption] => {
    const endless: Exemption = { ...exemption, permanent: true };
    delete endless.until;
    return [name, endless];
  });
  return { ...policy, exemptions: Object.fromEntries(exemptions) };
}

function aboutEver(
  policy: Policy,
  { subjects }: JudgedWorkload,
  background: Pick<Background, "scan">,
  now: number,
): string[] {
  const judged = [...subjects.written, ...subjects.running.map(({ subject }) => subject)];
  return judged.flatMap((subject) => {
    const scans = new Map<string, ImageScan>();
    for (const { reference } of subject.images) {
      const scan = background.scan(subjects, reference);
      if (scan !== undefined) scans.set(reference, scan);
    }
    return decide(policy, subject, scans, now)
      .exemptions.filter(({ status }) => status === "used" || status === "unused")
      .map(({ exemption }) => exemption);
  });
}
