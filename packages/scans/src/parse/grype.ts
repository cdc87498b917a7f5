/**
 * Grype's JSON reports, v0.5x to v0.12x. Format: the Go types of https://github.com/anchore/grype
 * (`grype/presenter/models`).
 */
import type { Finding } from "@gatehouse/policy";
import { findingOf } from "./grype-finding.ts";
import { asId } from "./ids.ts";
import { imageNames, platformOf } from "./image-names.ts";
import type { RawReport } from "./parsed.ts";
import { asBuildTime, asInstant, asLine, asRecord, asText, asTexts, defined } from "./values.ts";

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
  return findingOf(match, own, exploited);
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
