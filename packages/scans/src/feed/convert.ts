import type { ExploitFeed } from "./format.ts";
import { feedFormat } from "./format.ts";

const dayOf = (text: string | undefined): string | undefined => /^\d{4}-\d{2}-\d{2}/.exec(text ?? "")?.[0];

/**
 * Makes a feed of what FIRST and CISA publish. Pure; either part may be left out.
 *
 * @param options.epssCsv content of `epss_scores-current.csv`: a comment with `score_date`, a header, and lines of
 *   CVE, score and percentile.
 * @param options.kevJson content of `known_exploited_vulnerabilities.json`.
 * @param options.omitBelow EPSS scores below this are kept as names only. @default 0.05
 * @throws Error that names the place, for input that is not what it should be.
 */
export function convertFeed(options: {
  epssCsv?: string | undefined;
  kevJson?: string | undefined;
  omitBelow?: number | undefined;
}): ExploitFeed {
  const { epssCsv, kevJson } = options;
  return {
    format: feedFormat,
    ...(epssCsv === undefined ? {} : { epss: readEpss(epssCsv, options.omitBelow ?? 0.05) }),
    ...(kevJson === undefined ? {} : { kev: readKev(kevJson) }),
  };
}

function readEpss(csv: string, omittedBelow: number): NonNullable<ExploitFeed["epss"]> {
  const [comment = "", header = "", ...lines] = csv.split(/\r?\n/);
  const date = dayOf(/^#.*\bscore_date:(\S+)/.exec(comment)?.[1]);
  if (date === undefined)
    throw new Error(
      "EPSS line 1: expected # with score_date, such as #model_version:v4,score_date:2026-11-21T…",
    );
  if (!/^cve,epss(?:,|$)/.test(header))
    throw new Error(
      `EPSS line 2: expected the header cve,epss,percentile, got ${JSON.stringify(header.slice(0, 80))}`,
    );
  const scores: Record<string, number> = {};
  const low = new Map<string, number[]>();
  for (const [index, line] of lines.entries()) {
    if (line === "") continue;
    const [, id = "", year = "", number = "", score = ""] =
      /^(CVE-(\d{4})-(\d{4,})),(\d(?:\.\d+)?(?:e-\d+)?)(?:,|$)/i.exec(line) ?? [];
    const value = Number(score);
    if (id === "" || !(value >= 0 && value <= 1))
      throw new Error(
        `EPSS line ${index + 3}: expected CVE,score,percentile, got ${JSON.stringify(line.slice(0, 80))}`,
      );
    if (value >= omittedBelow) scores[id.toUpperCase()] = value;
    else {
      const list = low.get(year);
      if (list === undefined) low.set(year, [Number(number)]);
      else list.push(Number(number));
    }
  }
  const omitted = Object.fromEntries(
    [...low].sort(([a], [b]) => a.localeCompare(b)).map(([year, numbers]) => [year, toRuns(numbers)]),
  );
  return { date, omittedBelow, scores, omitted };
}

function readKev(json: string): NonNullable<ExploitFeed["kev"]> {
  const catalogue = JSON.parse(json) as {
    dateReleased?: unknown;
    count?: unknown;
    vulnerabilities?: unknown;
  } | null;
  const date = dayOf(typeof catalogue?.dateReleased === "string" ? catalogue.dateReleased : undefined);
  const list = catalogue?.vulnerabilities;
  if (date === undefined || !Array.isArray(list))
    throw new Error("KEV: expected CISA's JSON with dateReleased and vulnerabilities");
  if (typeof catalogue?.count === "number" && catalogue.count !== list.length)
    throw new Error(`KEV: says that it has ${catalogue.count} entries and has ${list.length}`);
  const cves = list.map((entry: unknown, index) => {
    const id = (entry as { cveID?: unknown } | null)?.cveID;
    if (typeof id !== "string" || !/^CVE-\d{4}-\d{4,}$/.test(id))
      throw new Error(`KEV vulnerabilities[${index}].cveID: expected a CVE, got ${JSON.stringify(id)}`);
    return id;
  });
  return { date, cves: [...new Set(cves)].sort() };
}

/** `[2, 3, 7]` as `2+1,4`; see `format.ts`. */
export function toRuns(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const number of sorted) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs
    .map(([from, to], index) => `${from - (runs[index - 1]?.[1] ?? 0)}${from === to ? "" : `+${to - from}`}`)
    .join(",");
}
