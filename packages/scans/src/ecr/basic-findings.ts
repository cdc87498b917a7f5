/**
 * Findings of basic scanning
 * (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanFinding.html): operating system packages
 * only, details as a list of attributes, and nothing on fixes.
 */
import { packageOf } from "../cloud/purl-of.ts";
import { newestScore } from "../parse/cvss.ts";
import { asId } from "../parse/ids.ts";
import type { RawFinding } from "../parse/parsed.ts";
import { asLine, asNumber, asRecord, asText, asUrl, defined } from "../parse/values.ts";
import { ecrSeverity } from "./severity.ts";

/** Reads one entry of `imageScanFindings.findings`. Undefined without a vulnerability's name. */
export function readBasicFinding(entry: unknown): RawFinding | undefined {
  const fields = asRecord(entry);
  const id = asId(fields?.["name"]);
  if (fields === undefined || id === undefined) return undefined;
  const attributes = new Map<string, string>();
  for (const item of Array.isArray(fields["attributes"]) ? fields["attributes"] : []) {
    const { key, value } = asRecord(item) ?? {};
    if (typeof key === "string" && typeof value === "string" && !attributes.has(key))
      attributes.set(key, value);
  }
  const name = asText(attributes.get("package_name"));
  const cvss = newestScore(
    [4, 3, 2].flatMap((version) => {
      const score = asNumber(attributes.get(`CVSS${version}_SCORE`), 0, 10);
      // Nought is written where there is none.
      return score === undefined || score === 0 ? [] : [{ version, score, preference: 0 }];
    }),
  );
  return {
    finding: defined({
      id,
      severity: ecrSeverity(fields["severity"]),
      package:
        name === undefined
          ? undefined
          : packageOf({ type: undefined, name, version: asText(attributes.get("package_version")) }),
      cvss,
      title: asLine(fields["description"]),
      url: asUrl(fields["uri"]),
    }),
    distinct: "",
  };
}
