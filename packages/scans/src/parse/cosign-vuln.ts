/**
 * cosign's vulnerability predicate, which carries a scanner's own report
 * (https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md).
 */
import { isGrype, readGrype } from "./grype.ts";
import { scannerOf } from "./in-toto-vulns.ts";
import type { RawReport } from "./parsed.ts";
import { isSarif, readSarif } from "./sarif.ts";
import { isTrivy, readTrivy } from "./trivy.ts";
import { asInstant, asRecord } from "./values.ts";

/** Predicate types that Statements name it by. */
export const cosignVulnTypes: readonly string[] = [
  "https://cosign.sigstore.dev/attestation/vuln/v1",
  "cosign.sigstore.dev/attestation/vuln/v1",
];

/** Whether `document` looks like the predicate itself, which `trivy image --format cosign-vuln` writes. */
export function isCosignVuln(document: unknown): boolean {
  const fields = asRecord(document);
  return (
    asRecord(asRecord(fields?.["scanner"])?.["result"]) !== undefined &&
    asRecord(fields?.["metadata"]) !== undefined
  );
}

/**
 * Reads the predicate: the report inside it, with what the predicate adds. Where both say when the scan ended, the
 * earlier time holds, so that a report does not grow younger by being attested.
 */
export function readCosignVuln(predicate: unknown): RawReport {
  const fields = asRecord(predicate) ?? {};
  const scanner = asRecord(fields["scanner"]);
  const result = scanner?.["result"];
  const inner = readInner(result);
  const { scannedAt: within, ...report } =
    inner ?? unread(scanner === undefined ? "$.predicate.scanner" : "$.predicate.scanner.result");
  const around = asInstant(asRecord(fields["metadata"])?.["scanFinishedOn"]);
  const [earlier] = [within, around]
    .flatMap((time) => time ?? [])
    .sort((a, b) => Date.parse(a) - Date.parse(b));
  const described = report.scanner ?? scannerOf(scanner);
  return {
    ...report,
    ...(earlier === undefined ? {} : { scannedAt: earlier }),
    ...(described === undefined ? {} : { scanner: described }),
    format: "cosign-vuln",
    unread: report.unread.map((place) => place.replace(/^\$/, "$.predicate.scanner.result")),
  };
}

function readInner(result: unknown): RawReport | undefined {
  if (isTrivy(result)) return readTrivy(result);
  if (isGrype(result)) return readGrype(result);
  return isSarif(result) ? readSarif(result) : undefined;
}

function unread(place: string): RawReport {
  return {
    format: "cosign-vuln",
    images: [],
    findings: [],
    ruledOut: [],
    unread: [],
    shortfall: { state: "unsupported", reason: `${place}: expected a report of Trivy or Grype` },
  };
}
