/**
 * Holds the parsers against reports that real scanners wrote: for each file of a folder, the vulnerabilities that a
 * plain walk over the JSON counts, and the findings of the normal form.
 *
 *     node packages/scans/src/file/count-samples.ts FOLDER
 *
 * Exit status 1 when a count differs in a report that is not partial, or nothing was compared; 3 without a folder.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { countVulnerabilities } from "../parse/independent-count.ts";
import { parseReport } from "../parse/report.ts";

/** One line of the comparison. */
export interface SampleCount {
  file: string;
  /** What the plain walk counts; undefined for a format that it does not know. */
  counted: number | undefined;
  /** Findings of the normal form; undefined for what is no report. */
  findings: number | undefined;
  state: string;
}

/** Compares every `.json` and `.sarif` below `folder`. */
export async function countSamples(folder: string): Promise<SampleCount[]> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => /\.(?:json|sarif)$/.test(file));
  const counts: SampleCount[] = [];
  for (const file of files.sort()) {
    const text = await readFile(join(folder, file), "utf8");
    const parsed = parseReport(text, { source: "samples", trust: { kind: "unsigned" } });
    counts.push({
      file,
      counted: countVulnerabilities(jsonOf(text)),
      findings: parsed.kind === "report" ? parsed.report.findings.length : undefined,
      state: parsed.kind === "report" ? parsed.report.state : parsed.reason,
    });
  }
  return counts;
}

/** Whether the parser lost or made up a finding. A report that is not read as one has none to lose. */
export function differs({ counted, findings, state }: SampleCount): boolean {
  return findings !== undefined && state !== "unsupported" && state !== "partial"
    ? counted !== findings
    : (findings ?? 0) > (counted ?? 0);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    console.error("usage: count-samples.ts FOLDER");
    process.exit(3);
  }
  const counts = await countSamples(folder);
  for (const line of counts)
    console.log(
      `${differs(line) ? "DIFFERS" : "       "} ${line.counted ?? "-"} ${line.findings ?? "-"} ${line.file}: ${line.state}`,
    );
  const compared = counts.filter(({ counted, findings }) => counted !== undefined && findings !== undefined);
  const total = compared.reduce((sum, { findings }) => sum + (findings ?? 0), 0);
  const wrong = counts.filter(differs).length;
  console.log(`${counts.length} files, ${compared.length} compared, ${total} findings, ${wrong} differ`);
  process.exitCode = wrong > 0 || compared.length === 0 ? 1 : 0;
}
