/** The page "health": whether what the gate goes by is there and fresh. */
import type { Mode, ScanState } from "@gatehouse/policy";
import type { Background, JudgedWorkload } from "../../background.ts";
import type { Cell, Table } from "../table.ts";
import { ago, lengthOf } from "../words.ts";

/** What the observer knows of itself. */
export interface HealthFacts {
  readonly version: string;
  readonly cluster: string;
  readonly mode: Mode;
  readonly policyHash: string;
  /** Why it is not ready; undefined when it is. */
  readonly notReady: string | undefined;
  /** Names and ends, in milliseconds since 1970. */
  readonly certificates: readonly { readonly name: string; readonly notAfter: number }[];
  /** Names of the configured sources, and what kind each is of. */
  readonly sources: readonly { readonly name: string; readonly kind: string }[];
  /** When the inventory was last known to be up to date. */
  readonly heardAt: number | undefined;
  /** How parts that are optional fare, in a sentence each, which may count or name what is in any namespace. */
  readonly parts: readonly { readonly name: string; readonly well: boolean; readonly detail: string }[];
}

/** The page's content. */
export interface HealthModel {
  state: Table;
  sources: Table;
  certificates: Table;
}

/** Certificates that end sooner than this are set off; leaves live a week and are renewed at two thirds. */
const endsSoonMs = 2 * 86_400_000;
const staleInventoryMs = 10 * 60_000;

/** Builds the page; scans are counted over the workloads that the viewer may see. */
export function healthModel(
  facts: HealthFacts,
  workloads: Iterable<JudgedWorkload>,
  background: Pick<Background, "scan"> | undefined,
  options: { now: number; all: boolean },
): HealthModel {
  const { now } = options;
  return {
    state: stateTable(facts, options),
    sources: sourceTable(facts, workloads, background, now),
    certificates: {
      name: "certificates",
      caption: "Certificates",
      empty: "None is known.",
      columns: [
        { key: "certificate", label: "Certificate" },
        { key: "ends", label: "Ends (UTC)", kind: "time" },
        { key: "left", label: "Left" },
      ],
      rows: facts.certificates.map(({ name, notAfter }) => [
        name,
        new Date(notAfter).toISOString().slice(0, 19).replace("T", " "),
        now >= notAfter
          ? { text: "it has ended", tone: "deny" }
          : { text: lengthOf(notAfter - now), tone: notAfter - now < endsSoonMs ? "audit" : "allow" },
      ]),
    },
  };
}

function stateTable(facts: HealthFacts, { now, all }: { now: number; all: boolean }): Table {
  const { heardAt, notReady } = facts;
  const well = (text: string): Cell => ({ text, tone: "allow" });
  const ill = (text: string): Cell => ({ text, tone: "deny" });
  return {
    name: "state",
    caption: "State",
    empty: "",
    columns: [
      { key: "what", label: "What" },
      { key: "state", label: "State" },
      { key: "detail", label: "Detail" },
    ],
    rows: [
      [
        "Observer",
        notReady === undefined ? well("ready") : ill("not ready"),
        notReady ?? `version ${facts.version}`,
      ],
      [
        "Inventory",
        heardAt === undefined
          ? ill("not read yet")
          : now - heardAt > staleInventoryMs
            ? ill("stale")
            : well("fresh"),
        heardAt === undefined ? "" : `last heard of ${ago(heardAt, now)}`,
      ],
      [
        "Mode",
        facts.mode,
        facts.mode === "audit"
          ? "nothing is denied; what would be is shown"
          : "what a deny rule matches is denied",
      ],
      ["Policy", { text: facts.policyHash.slice(0, 12) }, `SHA-256 ${facts.policyHash}`],
      ...facts.parts.map(({ name, well: good, detail }) => [
        name,
        good ? well("well") : ill("failing"),
        all ? detail : "",
      ]),
    ],
  };
}

/** What reports name as their source when the gate itself made them: nobody was to be asked about the image. */
const ownSource = "gate";

interface SourceCount {
  kind: string;
  images: number;
  states: Map<ScanState, number>;
  newest: number;
  oldest: number;
  problem: string;
}

function sourceTable(
  facts: HealthFacts,
  workloads: Iterable<JudgedWorkload>,
  background: Pick<Background, "scan"> | undefined,
  now: number,
): Table {
  const counts = new Map<string, SourceCount>();
  const countOf = (name: string, kind: string) => {
    const known = counts.get(name) ?? {
      kind,
      images: 0,
      states: new Map(),
      newest: Number.NaN,
      oldest: Number.NaN,
      problem: "",
    };
    counts.set(name, known);
    return known;
  };
  for (const { name, kind } of facts.sources) countOf(name, kind);
  const seen = new Set<string>();
  for (const { subjects } of workloads)
    for (const { images } of [...subjects.written, ...subjects.running.map(({ subject }) => subject)])
      for (const { reference } of images) {
        const key = `${reference} ${subjects.platforms.join()}`;
        if (seen.has(key)) continue;
        seen.add(key);
        for (const { report } of background?.scan(subjects, reference)?.platforms ?? []) {
          const count = countOf(report.source, "");
          count.images++;
          count.states.set(report.state, (count.states.get(report.state) ?? 0) + 1);
          if (report.state === "unavailable" || report.state === "failed")
            count.problem = report.reason ?? "";
          const scanned = Date.parse(report.scannedAt ?? "");
          if (Number.isNaN(scanned)) continue;
          count.newest = Number.isNaN(count.newest) ? scanned : Math.max(count.newest, scanned);
          count.oldest = Number.isNaN(count.oldest) ? scanned : Math.min(count.oldest, scanned);
        }
      }
  return {
    name: "sources",
    caption: "Sources of scan reports",
    empty: "No source is configured.",
    columns: [
      { key: "source", label: "Source" },
      { key: "state", label: "State" },
      { key: "images", label: "Reports", kind: "number" },
      { key: "not_complete", label: "Not complete" },
      { key: "newest", label: "Newest scan" },
      { key: "oldest", label: "Oldest scan" },
    ],
    rows: [...counts].map(([name, { kind, images, states, newest, oldest, problem }]) => {
      const unavailable = states.get("unavailable") ?? 0;
      const open = [...states].filter(([state]) => state !== "complete");
      const covered = name !== ownSource;
      return [
        covered ? (kind === "" ? name : { text: name, note: kind }) : { text: "none", tone: "quiet" },
        !covered
          ? { text: "no source covers these", tone: "quiet" }
          : images === 0
            ? { text: "nothing asked yet", tone: "quiet" }
            : unavailable > 0
              ? {
                  text: unavailable === images ? "does not answer" : "answers in part",
                  tone: "deny",
                  note: problem,
                }
              : { text: "answers", tone: "allow" },
        images,
        open.map(([state, count]) => `${count} ${state}`).join(", "),
        ago(newest, now),
        ago(oldest, now),
      ];
    }),
  };
}
