/** One match of a Grype report. Everything in it is read leniently: what cannot be read is not known. */
import type { Finding, Fix } from "@gatehouse/policy";
import { newestScore } from "./cvss.ts";
import type { CvssScore } from "./cvss.ts";
import { asId, chooseId } from "./ids.ts";
import { packageType } from "./package-type.ts";
import { severityOf } from "./severity-words.ts";
import { asInstant, asLine, asNumber, asRecord, asText, asTexts, asUrl, defined } from "./values.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The finding that a match is.
 * @param own the id of its vulnerability.
 * @param catalogued whether the report's database holds CISA's catalogue of known exploited vulnerabilities.
 */
export function findingOf(match: Fields, own: string, catalogued: boolean): Finding {
  const vulnerability = asRecord(match["vulnerability"]) ?? {};
  const relatedList = match["relatedVulnerabilities"];
  const related = (Array.isArray(relatedList) ? relatedList : []).flatMap((item): Fields[] => {
    const fields = asRecord(item);
    return fields === undefined ? [] : [fields];
  });
  const names = chooseId(
    own,
    related.flatMap(({ id }) => asId(id) ?? []),
  );
  const same = [vulnerability, ...related.filter(({ id }) => asId(id) === names.id)];
  return defined({
    ...names,
    severity: severityOf(vulnerability["severity"]),
    package: packageOf(asRecord(match["artifact"])),
    fix: fixOf(asRecord(vulnerability["fix"])),
    cvss: newestScore(same.flatMap((fields, index) => scoresOf(fields["cvss"], index * 4))),
    // An advisory about several CVEs is as likely to be exploited as the likeliest of them.
    epss: epssOf([vulnerability, ...related]),
    knownExploited: exploitedOf([vulnerability, ...related], catalogued),
    title: asLine(vulnerability["description"]) ?? asLine(same[1]?.["description"]),
    url: asUrl(vulnerability["dataSource"]),
  });
}

function packageOf(artifact: Fields | undefined): Finding["package"] {
  const name = asText(artifact?.["name"]);
  if (artifact === undefined || name === undefined) return undefined;
  const purl = asText(artifact["purl"]);
  const locations = artifact["locations"];
  const paths = (Array.isArray(locations) ? locations : []).flatMap((location) => {
    const path = asText(asRecord(location)?.["path"]) ?? asText(location);
    return path === undefined ? [] : [path];
  });
  return defined({
    name,
    version: asText(artifact["version"]),
    type: packageType(purl, asText(artifact["type"])),
    purl,
    path: paths[0],
  });
}

/** Versions that fix it prove a fix whatever the state says; the states `unknown` and empty leave it open. */
function fixOf(fix: Fields | undefined): Fix | undefined {
  if (fix === undefined) return undefined;
  const versions = asTexts(fix["versions"]);
  const state = fix["state"];
  if (state === "fixed" || versions.length > 0) {
    const available = fix["available"];
    const dates = (Array.isArray(available) ? available : []).flatMap(
      (item) => asInstant(asRecord(item)?.["date"]) ?? [],
    );
    return defined({
      available: true as const,
      version: versions.length > 0 ? versions.join(", ") : undefined,
      since: dates.sort()[0],
    });
  }
  return state === "not-fixed" || state === "wont-fix" ? { available: false } : undefined;
}

/** NVD's own score before a second party's; one without a vector and of zero is the absence of a score. */
function scoresOf(cvss: unknown, preference: number): CvssScore[] {
  return (Array.isArray(cvss) ? cvss : []).flatMap((item): CvssScore[] => {
    const fields = asRecord(item);
    const score = asNumber(asRecord(fields?.["metrics"])?.["baseScore"], 0, 10);
    const version = asNumber(fields?.["version"], 1, 9);
    if (score === undefined || version === undefined) return [];
    if (score === 0 && asText(fields?.["vector"]) === undefined) return [];
    const secondary = fields?.["type"] === "Secondary" ? 2 : 0;
    const other = /nvd/i.test(asText(fields?.["source"]) ?? "nvd") ? 0 : 1;
    return [{ version, score, preference: preference + secondary + other }];
  });
}

function epssOf(all: readonly Fields[]): number | undefined {
  const scores = all.flatMap((fields) => {
    const list = fields["epss"];
    return (Array.isArray(list) ? list : []).flatMap(
      (item) => asNumber(asRecord(item)?.["epss"], 0, 1) ?? [],
    );
  });
  return scores.length === 0 ? undefined : Math.max(...scores);
}

/** Grype names what is exploited and leaves the rest out, so silence means "no" only if its database has the list. */
function exploitedOf(all: readonly Fields[], listed: boolean): boolean | undefined {
  const given = all.map((fields) => fields["knownExploited"]);
  if (given.some((list) => Array.isArray(list) && list.length > 0)) return true;
  const readable = given.every((list) => list === undefined || list === null || Array.isArray(list));
  return listed && readable ? false : undefined;
}
