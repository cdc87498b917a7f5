/**
 * The in-toto vulnerability predicate, v0.1 and v0.2
 * (https://github.com/in-toto/attestation/blob/main/spec/predicates/vuln.md). It names vulnerabilities and how bad they
 * are; packages and fixes it does not know.
 */
import type { Finding, Severity } from "@gatehouse/policy";
import { compareSeverity } from "@gatehouse/policy";
import { asId } from "./ids.ts";
import type { RawReport } from "./parsed.ts";
import { severityOf, severityOfScore } from "./severity-words.ts";
import { asInstant, asLine, asNumber, asRecord, asText, defined } from "./values.ts";

/** Predicate types that Statements name it by. */
export const inTotoVulnsTypes: readonly string[] = [
  "https://in-toto.io/attestation/vulns",
  "https://in-toto.io/attestation/vulns/v0.1",
  "https://in-toto.io/attestation/vulns/v0.2",
];

/** Whether `document` looks like the predicate itself, without a Statement around it. */
export function isInTotoVulns(document: unknown): boolean {
  const scanner = asRecord(asRecord(document)?.["scanner"]);
  return (
    scanner !== undefined &&
    Array.isArray(scanner["result"]) &&
    asRecord(asRecord(document)?.["metadata"]) !== undefined
  );
}

/** Reads the predicate. */
export function readInTotoVulns(predicate: unknown): RawReport {
  const fields = asRecord(predicate) ?? {};
  const scanner = asRecord(fields["scanner"]);
  const metadata = asRecord(fields["metadata"]);
  const raw: RawReport = {
    ...defined({
      format: "in-toto-vulns" as const,
      scannedAt: asInstant(metadata?.["scanFinishedOn"]),
      scanner: scannerOf(scanner),
    }),
    images: [],
    findings: [],
    ruledOut: [],
    unread: [],
  };
  if (scanner === undefined) raw.unread.push("$.predicate.scanner: expected an object");
  const result = scanner?.["result"];
  // Go writes an empty list as null; a result that is missing is one that is not known.
  if (!Array.isArray(result) && result !== null)
    raw.unread.push("$.predicate.scanner.result: expected a list");
  (Array.isArray(result) ? result : []).forEach((entry, index) => {
    const finding = findingOf(asRecord(entry));
    if (finding === undefined)
      raw.unread.push(`$.predicate.scanner.result[${index}].id: not the name of a vulnerability`);
    // The predicate knows no packages: only an entry that is repeated to the letter is the same finding.
    else raw.findings.push({ finding, distinct: JSON.stringify(entry) });
  });
  return raw;
}

/** Name, version and database of the scanner, as this predicate and cosign's write them. */
export function scannerOf(scanner: Readonly<Record<string, unknown>> | undefined): RawReport["scanner"] {
  const uri = asLine(scanner?.["uri"]);
  if (uri === undefined) return undefined;
  return defined({
    name: uri,
    version: asText(scanner?.["version"]),
    databaseUpdatedAt: asInstant(asRecord(scanner?.["db"])?.["lastUpdate"]),
  });
}

/** v0.1 has its fields in `vulnerability` by the text, and beside it by the example. */
function findingOf(entry: Readonly<Record<string, unknown>> | undefined): Finding | undefined {
  const fields = asRecord(entry?.["vulnerability"]) ?? entry;
  const id = asId(fields?.["id"]);
  if (fields === undefined || id === undefined) return undefined;
  const given = fields["severity"];
  const scores = (Array.isArray(given) ? given : [given]).map(
    (item): Readonly<Record<string, unknown>> => asRecord(item) ?? { score: item },
  );
  const epss = scores
    .filter(({ method }) => isEpss(method))
    .flatMap(({ score }) => asNumber(score, 0, 1) ?? []);
  const rest = scores.filter(({ method }) => !isEpss(method)).map(({ score }) => score);
  const numbers = rest.flatMap((score) => asNumber(score, 0, 10) ?? []).filter((score) => score > 0);
  const cvss = numbers.length > 0 ? Math.max(...numbers) : undefined;
  return defined({
    id,
    severity: worstOf(rest, cvss),
    cvss,
    epss: epss.length > 0 ? Math.max(...epss) : undefined,
  });
}

function isEpss(method: unknown): boolean {
  return typeof method === "string" && /epss/i.test(method);
}

/** The worst word that any method gives; without a word, what the score stands for. */
function worstOf(scores: readonly unknown[], cvss: number | undefined): Severity {
  const words = scores.map(severityOf).filter((severity) => severity !== "unknown");
  const [worst] = words.sort(compareSeverity);
  return worst ?? (cvss === undefined ? "unknown" : severityOfScore(cvss));
}
