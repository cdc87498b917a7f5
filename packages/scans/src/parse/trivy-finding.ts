/** One vulnerability of a Trivy report. Everything in it is read leniently: what cannot be read is not known. */
import type { Finding, Fix } from "@gatehouse/policy";
import { newestScore } from "./cvss.ts";
import type { CvssScore } from "./cvss.ts";
import { packageType } from "./package-type.ts";
import { severityOf } from "./severity-words.ts";
import { asInstant, asLine, asNumber, asRecord, asText, asUrl, defined } from "./values.ts";

/** The finding that one entry of a result's `Vulnerabilities` is, under the names that were chosen for it. */
export function findingOf(
  entry: Readonly<Record<string, unknown>>,
  names: { id: string; aliases?: readonly string[] },
  result: { Class?: unknown; Type?: unknown; Target?: unknown },
): Finding {
  const purl = asText(asRecord(entry["PkgIdentifier"])?.["PURL"]) ?? asText(entry["PkgRef"]);
  const name = asText(entry["PkgName"]);
  return defined({
    ...names,
    severity: severityOf(entry["Severity"]),
    package:
      name === undefined
        ? undefined
        : defined({
            name,
            version: asText(entry["InstalledVersion"]),
            type: packageType(purl, asText(result.Type)),
            purl: purl?.startsWith("pkg:") ? purl : undefined,
            // A lock file is the result's target; of packages of the operating system it is the image's own name.
            path:
              asText(entry["PkgPath"]) ?? (result.Class === "lang-pkgs" ? asText(result.Target) : undefined),
          }),
    fix: fixOf(entry["FixedVersion"], entry["Status"]),
    cvss: scoreOf(entry["CVSS"], entry["SeveritySource"]),
    publishedAt: asInstant(entry["PublishedDate"]),
    title: asLine(entry["Title"]),
    url: asUrl(entry["PrimaryURL"]),
  });
}

/**
 * `fixed` means that a fixed version exists, not that the image has it. Every version of Trivy leaves `FixedVersion`
 * out or empty when its database has none; only the status `unknown` says that it could not tell.
 */
function fixOf(version: unknown, status: unknown): Fix | undefined {
  const fixedIn = asLine(version);
  if (fixedIn !== undefined) return { available: true, version: fixedIn };
  if (status === "fixed") return { available: true };
  const unreadable = version !== undefined && version !== null && version !== "";
  const silent = status === undefined || status === null || status === "";
  if (unreadable || !(silent || (typeof status === "string" && unfixed.has(status)))) return undefined;
  return { available: false };
}
const unfixed = new Set(["affected", "under_investigation", "will_not_fix", "fix_deferred", "end_of_life"]);

const scoreFields = [
  { field: "V40Score", version: 4 },
  { field: "V3Score", version: 3 },
  { field: "V2Score", version: 2 },
] as const;

/** Of one CVSS version, the score of the party that the severity comes from, then NVD's, then any other. */
function scoreOf(bySource: unknown, severitySource: unknown): number | undefined {
  const scores = Object.entries(asRecord(bySource) ?? {}).flatMap(([source, given]) =>
    scoreFields.flatMap(({ field, version }): CvssScore[] => {
      const score = asNumber(asRecord(given)?.[field], 0, 10);
      // Trivy leaves out a score that it has not got; a zero is what other writers put there.
      if (score === undefined || score === 0) return [];
      return [{ version, score, preference: source === severitySource ? 0 : source === "nvd" ? 1 : 2 }];
    }),
  );
  return newestScore(scores);
}
