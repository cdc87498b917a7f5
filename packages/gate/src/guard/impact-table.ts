import { oneLine, type Impact, type ImpactEntry } from "@gatehouse/policy";

/** How many entries are shown; the counts are of all. */
const SHOWN = 10;

/** An impact for people: the counts of all, the ten that matter, and what would clear most of them. */
export function impactTable(impact: Impact): string {
  const counts = [
    [impact.newlyDenied.length, "newly denied"],
    [impact.newlyAudited.length, "newly audited"],
    [impact.newlyAdmitted.length, "newly admitted"],
    [impact.stillDenied, "still denied"],
    [impact.violatesNow.length, "running what would be denied"],
  ] as const;
  const said = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const head = `Impact on ${impact.workloads} workloads: ${said.length === 0 ? "none changes" : said.join(", ")}`;
  const entries = [
    ...impact.newlyDenied.map((entry) => ["DENY", entry] as const),
    ...impact.newlyAudited.map((entry) => ["audit", entry] as const),
    ...impact.newlyAdmitted.map((entry) => ["admit", entry] as const),
  ];
  const rows = entries
    .slice(0, SHOWN)
    .map(([what, entry]) => [what, entry.owner, entry.rules.join(", "), why(entry)]);
  const more = entries.length > SHOWN ? [`  … and ${entries.length - SHOWN} more`] : [];
  const fixes = impact.fixes.slice(0, 3).map((fix) => `  fix: ${oneLine(JSON.stringify(fix), 200)}`);
  return [head, ...aligned(rows), ...more, ...fixes].join("\n");
}

/** The block to paste into a stack's settings. */
export function acknowledgementBlock(block: Readonly<Record<string, readonly string[]>>): string {
  return [
    "  gatehouse:acknowledged:",
    ...Object.entries(block).flatMap(([rule, owners]) => [
      `    ${rule}:`,
      ...owners.map((owner) => `      - ${oneLine(owner, 300)}`),
    ]),
  ].join("\n");
}

function why({ images, couldNotTell }: ImpactEntry): string {
  const [image, ...others] = images;
  if (image === undefined) return "";
  const [worst] = image.findings;
  const what = image.state === "complete" ? (worst?.id ?? "") : `scan ${image.state}`;
  return [
    oneLine(image.reference, 80),
    what,
    ...(others.length === 0 ? [] : [`and ${others.length} more`]),
    ...(couldNotTell ? ["(could not tell)"] : []),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
}
