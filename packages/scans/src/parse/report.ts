/**
 * Scan reports of every format, told apart by their shape and brought to one form.
 * @module
 */
import { assemble } from "./assemble.ts";
import { isGrype, readGrype } from "./grype.ts";
import { notAReport } from "./parsed.ts";
import type { ParseContext, ParseResult, RawReport } from "./parsed.ts";
import { isTrivy, readTrivy } from "./trivy.ts";

/**
 * Reads a scan report: its text, or the document already parsed. Never throws.
 *
 * What it returns is either `kind: "report"`, whose `report.state` is `complete` only if every entry was read and the
 * document says when the scan ended, or `kind: "not-a-report"`. A report never has fewer findings because something
 * in it could not be read without its state saying so.
 */
export function parseReport(input: unknown, context: ParseContext): ParseResult {
  let document = input;
  if (typeof input === "string") {
    try {
      document = JSON.parse(input.replace(/^\uFEFF/, ""));
    } catch (error) {
      return notAReport(`not JSON: ${error instanceof Error ? error.message.slice(0, 120) : "unreadable"}`);
    }
  }
  const raw = readDocument(document);
  return "kind" in raw ? raw : assemble(raw, context);
}

function readDocument(document: unknown): RawReport | ReturnType<typeof notAReport> {
  if (isTrivy(document)) return readTrivy(document);
  if (isGrype(document)) return readGrype(document);
  return notAReport("expected a report of Trivy or Grype");
}
