/** An impact for people: the hook of `pulumi preview` and the command line show the same. */
import type { Impact, ImpactEntry } from "./impact-model.ts";
import { oneLine } from "./safe-text.ts";

/** How many of each are shown; the counts are of all. */
const shown = { entries: 10, fixes: 3, ending: 3, future: 3 } as const;

/** The counts of all, the ten workloads that matter, what would clear most of them, and what time will bring. */
export function impactText(impact: Impact): string {
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
    .slice(0, shown.entries)
    .map(([what, entry]) => [what, oneLine(entry.owner, 300), entry.rules.join(", "), why(entry)]);
  const more = entries.length > shown.entries ? [`… and ${entries.length - shown.entries} more`] : [];
  return [head, ...[...aligned(rows), ...more, ...notes(impact)].map((line) => `  ${line}`)].join("\n");
}

/** The block to paste into a stack's settings, so that exactly these denials go through. */
export function acknowledgementText(block: Readonly<Record<string, readonly string[]>>): string {
  return [
    "  gatehouse:acknowledged:",
    ...Object.entries(block).flatMap(([rule, owners]) => [
      `    ${rule}:`,
      ...owners.map((owner) => `      - ${oneLine(owner, 300)}`),
    ]),
  ].join("\n");
}

/** The same as a section of Markdown, for a pull request. */
export function impactMarkdown(impact: Impact): string {
  // No text of a cluster may end the block it is shown in.
  const text = impactText(impact).replaceAll("```", "'''");
  return `# Impact\n\n\`\`\`text\n${text}\n\`\`\`\n`;
}

function notes(impact: Impact): string[] {
  const { newlyExempt, noLongerExempt, unscanned, couldNotTell, projection, endingExemptions } = impact;
  const workloadsOf = (changes: readonly { owner: string }[]) =>
    new Set(changes.map(({ owner }) => owner)).size;
  return [
    ...impact.fixes
      .slice(0, shown.fixes)
      .map(
        (fix) =>
          `fix: ${oneLine(fix.package, 80)} ${oneLine(fix.version, 80)} clears ${fix.clears} of those newly denied, and helps ${fix.helps}`,
      ),
    ...(newlyExempt.length === 0 ? [] : [`newly exempt: something of ${workloadsOf(newlyExempt)} workloads`]),
    ...(noLongerExempt.length === 0
      ? []
      : [`no longer exempt: something of ${workloadsOf(noLongerExempt)} workloads`]),
    ...endingExemptions
      .slice(0, shown.ending)
      .map(({ exemption, until, daysLeft }) =>
        oneLine(`ends soon: exemption ${exemption}, on ${until}, in ${daysLeft} days`, 200),
      ),
    ...(unscanned.length === 0 ? [] : [`not scanned: ${unscanned.length} images`]),
    ...(couldNotTell.length === 0
      ? []
      : [`could not tell: ${couldNotTell.map((one) => `${one.attribute} (${one.workloads})`).join(", ")}`]),
    ...projection
      .slice(0, shown.future)
      .map(({ owner, on, rules }) => oneLine(`from ${on}: ${owner} is denied by ${rules.join(", ")}`, 300)),
    ...(projection.length > shown.future
      ? [`… and ${projection.length - shown.future} more that time alone will deny`]
      : []),
  ];
}

function why({ images, couldNotTell }: ImpactEntry): string {
  const [image, ...others] = images;
  if (image === undefined) return "";
  const [worst] = image.findings;
  const what = image.state === "complete" ? (worst?.id ?? "") : `scan ${image.state}`;
  return [
    oneLine(image.reference, 80),
    oneLine(what, 80),
    ...(others.length === 0 ? [] : [`and ${others.length} more`]),
    ...(couldNotTell ? ["(could not tell)"] : []),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
