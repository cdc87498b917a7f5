/**
 * Defender for Containers' artifact in a registry: an in-toto Statement, or its bare predicate, of
 * https://github.com/in-toto/attestation/blob/main/spec/predicates/vuln.md, version 0.2. Microsoft publishes neither its
 * severity methods nor who signs it, so a method that is not known here makes the report unsupported.
 */
import { asRecord, asText } from "../parse/values.ts";
import { oneLine } from "@gatehouse/policy";
import type { ParsedReport } from "../parse/parsed.ts";
import { readStatement } from "../parse/statement.ts";

const predicateType = "https://in-toto.io/attestation/vulns/v0.2";
const predicateAnnotation = "in-toto.io/predicate-type";

/** Methods of the predicate's specification, and those that name a version of CVSS or EPSS outright. */
const methods = /^(?:nvd|cvss(?:_?score)?|cvss_?v?[234](?:[._]?[01])?(?:_?score)?|epss(?:_?score)?)$/i;

/** What an artifact is to the source of Defender's reports. */
export type DefenderArtifact =
  /** Attached by somebody else. */
  { kind: "other" } | { kind: "unsupported"; reason: string } | { kind: "report" };

/** Looks at a document and at the annotations of the manifest that attaches it, which the signature covers. */
export function defenderArtifact(
  document: unknown,
  annotations: Readonly<Record<string, string>> | null | undefined,
): DefenderArtifact {
  if (annotations?.["scanner"] !== "MDVM") return { kind: "other" };
  const statement = readStatement(document);
  const type = statement?.predicateType ?? annotations[predicateAnnotation];
  if (type !== predicateType)
    return {
      kind: "unsupported",
      reason: `Defender's report has the predicate ${type ?? "that nobody names"}, not ${predicateType}`,
    };
  const predicate = asRecord(statement === undefined ? document : statement.predicate);
  const result = asRecord(predicate?.["scanner"])?.["result"];
  const unknown = new Set<string>();
  for (const entry of Array.isArray(result) ? result : []) {
    const severity = asRecord(entry)?.["severity"];
    for (const one of Array.isArray(severity) ? severity : []) {
      const method = asText(asRecord(one)?.["method"]) ?? "(none)";
      if (!methods.test(method)) unknown.add(method);
    }
  }
  if (unknown.size === 0) return { kind: "report" };
  const names = [...unknown].slice(0, 3).map((one) => JSON.stringify(one));
  return {
    kind: "unsupported",
    reason: `Defender's report rates by a method that is not known here: ${names.join(", ")}`,
  };
}

/** For the referrer source: only Defender's own reports count, and one that is not understood is unsupported. */
export function defenderReports(
  report: ParsedReport,
  document: unknown,
  annotations: Readonly<Record<string, string>>,
): ParsedReport | undefined {
  const artifact = defenderArtifact(document, annotations);
  if (artifact.kind === "other") return undefined;
  if (artifact.kind === "report") return report;
  return {
    ...report,
    report: { ...report.report, state: "unsupported", reason: oneLine(artifact.reason, 300) },
  };
}
