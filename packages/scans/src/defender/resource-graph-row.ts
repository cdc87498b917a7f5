/**
 * One row of Azure Resource Graph as a finding. Microsoft documents no schema of it: fields are looked for in every place
 * and spelling that has been seen, and parts that are JSON in a text are read as such.
 */
import type { Fix } from "@gatehouse/policy";
import { packageOf } from "../cloud/purl-of.ts";
import { newestScore } from "../parse/cvss.ts";
import { asId } from "../parse/ids.ts";
import { packageType } from "../parse/package-type.ts";
import type { RawFinding } from "../parse/parsed.ts";
import { severityOf } from "../parse/severity-words.ts";
import { asInstant, asNumber, asRecord, asText, asTexts, defined } from "../parse/values.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Undefined for a row that names no vulnerability. */
export function readRow(row: unknown): RawFinding | undefined {
  const fields = asRecord(row);
  const cve = parsed(fields?.["cve"]);
  const id = asId(cve?.["CveId"] ?? cve?.["cveId"]);
  if (fields === undefined || cve === undefined || id === undefined) return undefined;
  const software = softwareOf(parsed(fields["software"]) ?? {});
  const name = asText(software["SoftwareName"]);
  const [version] = asTexts(json(software["DetectedSoftwareVersions"]));
  const word = asText(software["PackageType"]) ?? asText(software["Language"]);
  return {
    finding: defined({
      id,
      severity: severityOf(cve["Severity"] ?? cve["severity"]),
      package:
        name === undefined ? undefined : packageOf({ type: packageType(undefined, word), name, version }),
      fix: fixOf(cve) ?? fixOf(software),
      cvss: scoreOf(json(cve["Cvss"] ?? cve["cvss"])),
      publishedAt: asInstant(cve["PublishedDate"] ?? cve["publishedDate"]),
    }),
    distinct: "",
  };
}

/** The software's fields lie open, or under the scanner that found it. */
function softwareOf(data: Fields): Fields {
  if (data["SoftwareName"] !== undefined) return data;
  const scanners = parsed(data["ScannersDetails"]);
  return parsed(scanners?.["mdvm"]) ?? parsed(scanners?.["agentlessmdvm"]) ?? data;
}

function fixOf(fields: Fields): Fix | undefined {
  const version = asText(fields["FixedVersion"]);
  switch (fields["FixStatus"]) {
    case "FixAvailable":
      return version === undefined ? { available: true } : { available: true, version };
    case "NoFix":
    case "NoFixAvailable":
    case "WillNotFix":
      return { available: false };
    default:
      return version === undefined ? undefined : { available: true, version };
  }
}

/** `[{"Key":"3","Value":{"Base":7.1}}]`, or an object by version. Nought is written where there is none. */
function scoreOf(value: unknown): number | undefined {
  const entries = Array.isArray(value)
    ? value.map((one) => [asRecord(one)?.["Key"], asRecord(asRecord(one)?.["Value"])] as const)
    : Object.entries(asRecord(value) ?? {}).map(([key, one]) => [key, asRecord(one)] as const);
  return newestScore(
    entries.flatMap(([key, one]) => {
      const version = asNumber(key, 1, 5);
      const score = asNumber(one?.["Base"] ?? one?.["base"], 0, 10);
      return version === undefined || score === undefined || score === 0
        ? []
        : [{ version, score, preference: 0 }];
    }),
  );
}

function parsed(value: unknown): Fields | undefined {
  return asRecord(json(value));
}

/** A value that may be JSON in a text. */
function json(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
