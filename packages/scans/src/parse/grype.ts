/**
 * Grype's JSON reports, v0.5x to v0.12x. Format: the Go types of https://github.com/anchore/grype
 * (`grype/presenter/models`).
 */
import type { Finding, Fix } from "@gatehouse/policy";
import { newestScore } from "./cvss.ts";
import type { CvssScore } from "./cvss.ts";
import { asId, chooseId } from "./ids.ts";
import { imageNames, platformOf } from "./image-names.ts";
import { packageType } from "./package-type.ts";
import type { RawReport } from "./parsed.ts";
import { severityOf } from "./severity-words.ts";
import {
  asBuildTime,
  asInstant,
  asLine,
  asNumber,
  asRecord,
  asText,
  asTexts,
  asUrl,
  defined,
} from "./values.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Kinds of sources whose scan can speak for an image: itself, or a bill of materials of it. */
const imageSources = new Set(["image", "sbom-file", "unknown"]);

/** Whether `document` is a Grype report. */
export function isGrype(document: unknown): boolean {
  const fields = asRecord(document);
  if (fields === undefined) return false;
  const { descriptor, matches } = fields;
  if (asRecord(descriptor)?.["name"] === "grype") return true;
  if (matches === undefined) return false;
  if ("descriptor" in fields || "source" in fields) return true;
  // Cut down to its matches, as some pipelines keep it; an empty list of them could be anything.
  return Array.isArray(matches) && matches.some((match) => "vulnerability" in (asRecord(match) ?? {}));
}

/** Reads a document for which `isGrype` holds. */
export function readGrype(document: unknown): RawReport {
  const report = asRecord(document) ?? {};
  const descriptor = asRecord(report["descriptor"]) ?? {};
  const source = asRecord(report["source"]) ?? {};
  const target = asRecord(source["target"]) ?? {};
  const raw: RawReport = {
    ...defined({
      format: "grype" as const,
      platform: platformOf(target["os"], target["architecture"], target["variant"]),
      createdAt: buildTimeOf(target["config"]),
      scannedAt: asInstant(descriptor["timestamp"]),
    }),
    images:
      source["type"] === "image" || source["type"] === undefined
        ? imageNames(
            [...asTexts(target["repoDigests"]), ...asTexts(target["tags"]), target["userInput"]],
            [target["manifestDigest"]],
          )
        : [],
    scanner: defined({
      name: "grype",
      version: asText(descriptor["version"]),
      databaseUpdatedAt: databaseTimeOf(descriptor["db"]),
    }),
    findings: [],
    ruledOut: [],
    unread: [],
  };
  const exploited = knowsExploited(descriptor["db"], report["matches"]);
  eachIn(report, "matches", raw, (entry, path) => {
    const finding = readMatch(entry, path, exploited, raw);
    const { name, version, type, purl, locations } = asRecord(asRecord(entry)?.["artifact"]) ?? {};
    const distinct = JSON.stringify([name, version, type, purl, locations]);
    if (finding) raw.findings.push({ finding, distinct });
  });
  if (!("matches" in report)) raw.unread.push("$.matches: missing");
  eachIn(report, "ignoredMatches", raw, (entry, path) => {
    const finding = readMatch(entry, path, exploited, raw);
    if (finding) raw.ruledOut.push({ id: finding.id, reason: ignoredBecause(asRecord(entry)) });
  });
  const shortfall = shortfallOf(source["type"], report["alertsByPackage"]);
  if (shortfall) raw.shortfall = shortfall;
  return raw;
}

function eachIn(
  report: Fields,
  field: string,
  raw: RawReport,
  read: (entry: unknown, path: string) => void,
): void {
  const list = report[field] ?? [];
  if (!Array.isArray(list)) raw.unread.push(`$.${field}: expected a list`);
  else list.forEach((entry, index) => read(entry, `$.${field}[${index}]`));
}

/** What Grype itself says that it could not look at. */
function shortfallOf(type: unknown, alerts: unknown): RawReport["shortfall"] {
  if (type !== undefined && !(typeof type === "string" && imageSources.has(type)))
    return {
      state: "partial",
      reason: `Grype scanned a ${asLine(type) ?? "thing of no kind"}, not an image`,
    };
  const list = Array.isArray(alerts) ? alerts : [];
  const messages = list
    .flatMap((item) => {
      const perPackage = asRecord(item)?.["alerts"];
      return Array.isArray(perPackage) ? perPackage : [];
    })
    .map(
      (alert) =>
        asLine(asRecord(alert)?.["message"]) ?? asLine(asRecord(alert)?.["type"]) ?? "no reason given",
    );
  if (messages.length === 0) return undefined;
  return {
    state: "partial",
    reason: `Grype could not vouch for every package: ${[...new Set(messages)].sort()[0]}`,
  };
}

function readMatch(entry: unknown, path: string, exploited: boolean, raw: RawReport): Finding | undefined {
  const match = asRecord(entry);
  const vulnerability = asRecord(match?.["vulnerability"]);
  if (match === undefined || vulnerability === undefined) {
    raw.unread.push(`${path}${match === undefined ? "" : ".vulnerability"}: expected an object`);
    return undefined;
  }
  const own = asId(vulnerability["id"]);
  if (own === undefined) {
    raw.unread.push(`${path}.vulnerability.id: not the name of a vulnerability`);
    return undefined;
  }
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
    epss: epssOf(same),
    knownExploited: exploitedOf(same, exploited),
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

/** `versions` without a state comes from before v0.2x of the database's fix states, and says that there is a fix. */
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

function epssOf(same: readonly Fields[]): number | undefined {
  const scores = same.flatMap((fields) => {
    const list = fields["epss"];
    return (Array.isArray(list) ? list : []).flatMap(
      (item) => asNumber(asRecord(item)?.["epss"], 0, 1) ?? [],
    );
  });
  return scores.length === 0 ? undefined : Math.max(...scores);
}

/** Grype names what is exploited and leaves the rest out, so silence means "no" only if its database has the list. */
function exploitedOf(same: readonly Fields[], listed: boolean): boolean | undefined {
  const given = same.map((fields) => fields["knownExploited"]);
  if (given.some((list) => Array.isArray(list) && list.length > 0)) return true;
  const readable = given.every((list) => list === undefined || list === null || Array.isArray(list));
  return listed && readable ? false : undefined;
}

/** Whether the database of this report holds CISA's catalogue: since schema 6 (Grype v0.88). */
function knowsExploited(db: unknown, matches: unknown): boolean {
  const providers = asRecord(asRecord(db)?.["providers"]);
  if (providers !== undefined) return "kev" in providers;
  return (Array.isArray(matches) ? matches : []).some((match) => {
    const list = asRecord(asRecord(match)?.["vulnerability"])?.["knownExploited"];
    return Array.isArray(list) && list.length > 0;
  });
}

function databaseTimeOf(db: unknown): string | undefined {
  const fields = asRecord(db);
  return asInstant(fields?.["built"]) ?? asInstant(asRecord(fields?.["status"])?.["built"]);
}

/** The image's configuration stands in the report as base64. */
function buildTimeOf(config: unknown): string | undefined {
  if (typeof config !== "string") return undefined;
  try {
    return asBuildTime(asRecord(JSON.parse(atob(config)))?.["created"]);
  } catch {
    return undefined;
  }
}

function ignoredBecause(match: Fields | undefined): string {
  const rules = match?.["appliedIgnoreRules"];
  const list: readonly unknown[] = Array.isArray(rules) ? rules : [];
  const reasons = list.flatMap((item) => {
    const rule = asRecord(item) ?? {};
    const status = asLine(rule["vex-status"]);
    const why = asLine(rule["vex-justification"]) ?? asLine(rule["reason"]);
    if (status !== undefined) return [`VEX: ${status}${why === undefined ? "" : `, ${why}`}`];
    if (why !== undefined) return [why];
    const state = asLine(rule["fix-state"]);
    return state === undefined ? [] : [`fix state ${state}`];
  });
  return reasons.length === 0
    ? "ignored by a rule of Grype"
    : `ignored by Grype: ${[...new Set(reasons)].join("; ")}`;
}
