import type { ScanState } from "@gatehouse/policy";
import { mergeFindings } from "./merge.ts";
import type { ParseContext, ParsedReport, RawReport } from "./parsed.ts";
import { defined } from "./values.ts";

/** How many unread places a reason names before it counts the rest. */
const named = 3;

/** The state of a scan whose document was read: complete needs everything read, nothing amiss and a time of its end. */
export function assemble(raw: RawReport, context: ParseContext): ParsedReport {
  const { state, reason } = stateOf(raw);
  return defined({
    kind: "report" as const,
    format: raw.format,
    images: raw.images,
    platform: raw.platform,
    createdAt: raw.createdAt,
    report: defined({
      state,
      reason,
      source: context.source,
      trust: context.trust,
      scanner: raw.scanner,
      scannedAt: raw.scannedAt,
      findings: mergeFindings(raw.findings),
      ruledOut: raw.ruledOut.length > 0 ? raw.ruledOut : undefined,
    }),
  });
}

function stateOf(raw: RawReport): { state: ScanState; reason?: string } {
  const [...unread] = raw.unread;
  if (raw.shortfall) unread.push(raw.shortfall.reason);
  if (raw.unread.length > 0) return { state: "partial", reason: listed(unread) };
  if (raw.shortfall) return raw.shortfall;
  if (raw.scannedAt === undefined)
    return { state: "pending", reason: "the report does not say when the scan ended" };
  return { state: "complete" };
}

function listed(problems: readonly string[]): string {
  const rest = problems.length - named;
  return problems.slice(0, named).join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}
