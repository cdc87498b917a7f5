import { oneLine } from "@gatehouse/policy";

/** Most lines that are shown of what a Pod said, the last ones. */
const LINES = 20;

/** What a Pod said, for a terminal: its last lines, none of them long, no control characters. */
export function escapedLines(text: string): string {
  return text
    .split("\n")
    .slice(-LINES)
    .map((line) => oneLine(line, 300))
    .join("\n");
}
