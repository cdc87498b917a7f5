import { oneLine, type Finding } from "@gatehouse/policy";

/** Most findings that are listed for people; the rest is counted. */
const shown = 10;

/** A line for each finding, in columns. They stand worst first. */
export function findingLines(findings: readonly Finding[]): string[] {
  const rows = findings
    .slice(0, shown)
    .map((finding) => [
      oneLine(finding.id, 40),
      finding.severity,
      packageWords(finding),
      [fixWords(finding), finding.knownExploited === true ? "known to be exploited" : ""]
        .filter((word) => word !== "")
        .join(", "),
    ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return findings.length > shown ? [...lines, `and ${findings.length - shown} more`] : lines;
}

/** Name and version of the package. */
export function packageWords({ package: about }: Finding): string {
  if (about === undefined) return "package not known";
  return `${oneLine(about.name, 60)}${about.version === undefined ? "" : ` ${oneLine(about.version, 40)}`}`;
}

/** Where it is fixed, if anyone knows. */
export function fixWords({ fix }: Finding): string {
  if (fix === undefined) return "fix not known";
  if (!fix.available) return "no fix yet";
  const since = fix.since === undefined ? "" : ` since ${fix.since.slice(0, 10)}`;
  return fix.version === undefined ? `a fix is out${since}` : `fixed in ${oneLine(fix.version, 60)}${since}`;
}
