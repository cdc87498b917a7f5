import { oneLine, withCode } from "@gatehouse/policy";
import type { DoctorFinding } from "../doctor/finding.ts";
import { wrap, type Style } from "./style.ts";

const width = 120;
const indent = 10;

/** With its code, where there is something to mend. */
function worded({ code, text }: DoctorFinding): string {
  const line = oneLine(text, 1000);
  return code === undefined ? line : withCode(code, line);
}

/** Findings, check by check, each with what mends it below. */
export function doctorText(findings: readonly DoctorFinding[], style: Style): string {
  const lines: string[] = [];
  let check = "";
  for (const finding of findings) {
    if (finding.check !== check) lines.push(style.bold(finding.check));
    ({ check } = finding);
    const level = finding.level.padEnd(indent - 2);
    const painted =
      finding.level === "ok"
        ? style.green(level)
        : finding.level === "warning"
          ? style.yellow(level)
          : style.red(level);
    // What a cluster says is not ours: no control characters, and no end of line but our own.
    const [first = "", ...more] = wrap(worded(finding), width - indent);
    lines.push(`  ${painted}${first}`);
    for (const line of more) lines.push(`${" ".repeat(indent)}${line}`);
    if (finding.mend !== undefined)
      lines.push(
        ...wrap(oneLine(finding.mend, 1000), width - indent - 3).map(
          (line, index) => `${" ".repeat(indent)}${style.dim(index === 0 ? `-> ${line}` : `   ${line}`)}`,
        ),
      );
  }
  const count = (level: DoctorFinding["level"]): number =>
    findings.filter((one) => one.level === level).length;
  const many = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;
  lines.push(
    "",
    `${many(count("problem"), "problem")}, ${many(count("warning"), "warning")}, ${count("ok")} well`,
  );
  return `${lines.join("\n")}\n`;
}
