/**
 * Trivy's JSON reports: schema 2 (an object, since v0.20) and schema 1 (a bare list of results).
 * Format: https://trivy.dev/latest/docs/configuration/reporting/#json and the Go types behind it (`pkg/types`).
 */
import * as z from "zod/mini";
import { asId, chooseId } from "./ids.ts";
import { imageNames, platformOf } from "./image-names.ts";
import type { RawReport } from "./parsed.ts";
import { findingOf } from "./trivy-finding.ts";
import { asBuildTime, asInstant, asLine, asRecord, asText, asTexts, defined } from "./values.ts";

const text = z.optional(z.nullable(z.string()));

/** What makes a list element one vulnerability; everything else in it is read leniently, unread meaning unknown. */
const vulnerabilitySchema = z.looseObject({ VulnerabilityID: z.string(), PkgName: text });

const resultSchema = z.looseObject({
  Target: text,
  Class: text,
  Type: text,
  Vulnerabilities: z.optional(z.nullable(z.array(z.unknown()))),
  ExperimentalModifiedFindings: z.optional(z.nullable(z.array(z.unknown()))),
});
type Result = z.infer<typeof resultSchema>;

/** Classes of results that are about vulnerabilities; results of the first versions have no class at all. */
const packageClasses = new Set(["os-pkgs", "lang-pkgs"]);
/** Artifacts whose scan can speak for an image: itself, or a bill of materials of it. */
const imageArtifacts = new Set(["container_image", "cyclonedx", "spdx"]);
/** Ids in `VendorIDs` that name the same vulnerability; the rest are advisories about several. */
const sameVulnerability = /^(?:CVE|GHSA|GO|RUSTSEC|PYSEC|OSV|MAL)-/;

/** Whether `document` is a Trivy report. */
export function isTrivy(document: unknown): boolean {
  if (Array.isArray(document)) {
    return document.some((item) => asText(asRecord(item)?.["Target"]) !== undefined);
  }
  const fields = asRecord(document);
  if (fields === undefined) return false;
  return (
    "SchemaVersion" in fields && ("Results" in fields || "ArtifactName" in fields || "Metadata" in fields)
  );
}

/** Reads a document for which `isTrivy` holds. */
export function readTrivy(document: unknown): RawReport {
  const report = Array.isArray(document) ? { Results: document } : (asRecord(document) ?? {});
  const metadata = asRecord(report["Metadata"]) ?? {};
  const image = asRecord(metadata["ImageConfig"]) ?? {};
  const raw: RawReport = {
    ...defined({
      format: "trivy" as const,
      platform: platformOf(image["os"], image["architecture"], image["variant"]),
      createdAt: asBuildTime(image["created"]),
      scannedAt: asInstant(report["CreatedAt"]),
    }),
    images: isImage(report["ArtifactType"])
      ? imageNames([
          ...asTexts(metadata["RepoDigests"]),
          ...asTexts(metadata["RepoTags"]),
          metadata["Reference"],
          report["ArtifactName"],
        ])
      : [],
    scanner: defined({ name: "trivy", version: asText(asRecord(report["Trivy"])?.["Version"]) }),
    findings: [],
    ruledOut: [],
    unread: [],
  };
  const { SchemaVersion: schema, Results: results } = report;
  if (!Array.isArray(document) && schema !== 1 && schema !== 2)
    raw.unread.push(`$.SchemaVersion: expected 1 or 2`);
  const root = Array.isArray(document) ? "$" : "$.Results";
  const list: readonly unknown[] = Array.isArray(results) ? results : [];
  if (!Array.isArray(results) && results !== undefined && results !== null)
    raw.unread.push(`${root}: expected a list`);
  const read = list.flatMap((item, index) => {
    const result = readResult(item, `${root}[${index}]`, raw);
    return result === undefined ? [] : [result];
  });
  const shortfall = shortfallOf(report, read, Array.isArray(results));
  if (shortfall) raw.shortfall = shortfall;
  return raw;
}

/** The first versions of schema 2 do not say what they scanned, and knew images before anything else. */
function isImage(artifactType: unknown): boolean {
  return artifactType === undefined || artifactType === "" || artifactType === "container_image";
}

/** What Trivy itself says, or lets be seen, that it did not look at. */
function shortfallOf(
  report: Readonly<Record<string, unknown>>,
  results: readonly Result[],
  listed: boolean,
): RawReport["shortfall"] {
  const artifact = asText(report["ArtifactType"]);
  if (artifact !== undefined && !imageArtifacts.has(artifact))
    return { state: "partial", reason: `Trivy scanned a ${asLine(artifact)}, not an image` };
  const metadata = asRecord(report["Metadata"]) ?? {};
  const system = asRecord(metadata["OS"]) ?? {};
  const family = system["Family"] === "none" ? undefined : asLine(system["Family"]);
  const name = family === undefined ? "" : [family, asLine(system["Name"])].filter(Boolean).join(" ");
  const about = results.filter((result) => !result.Class || packageClasses.has(result.Class));
  // Trivy leaves `Results` out when it found nothing at all to look at.
  if (about.length === 0 && (results.length > 0 || !listed)) {
    return {
      state: "unsupported",
      reason: `Trivy checked no packages: it has no results for ${name === "" ? "an image whose operating system it does not know" : name}`,
    };
  }
  const classes = about.map((result) => result.Class);
  if (family !== undefined && about.length > 0 && !classes.some((one) => one !== "lang-pkgs"))
    return { state: "partial", reason: `Trivy has no results for the operating system packages of ${name}` };
  if (system["EOSL"] === true || system["Eosl"] === true)
    return {
      state: "partial",
      reason: `${name || "the operating system"} is past its end of support: its distribution reports no new vulnerabilities`,
    };
  return undefined;
}

function readResult(item: unknown, path: string, raw: RawReport): Result | undefined {
  const parsed = resultSchema.safeParse(item);
  if (!parsed.success) {
    raw.unread.push(`${path}${placeOf(parsed.error)}`);
    return undefined;
  }
  const result = parsed.data;
  (result.Vulnerabilities ?? []).forEach((entry, index) => {
    readVulnerability(entry, result, `${path}.Vulnerabilities[${index}]`, raw);
  });
  (result.ExperimentalModifiedFindings ?? []).forEach((entry, index) => {
    readModified(entry, result, `${path}.ExperimentalModifiedFindings[${index}]`, raw);
  });
  return result;
}

function placeOf(error: z.core.$ZodError): string {
  const [issue] = error.issues;
  const steps = (issue?.path ?? []).map((step) =>
    typeof step === "number" ? `[${step}]` : `.${String(step)}`,
  );
  return `${steps.join("")}: ${issue?.code === "invalid_type" ? `expected ${withArticle(issue.expected)}` : "not readable"}`;
}

function withArticle(type: string): string {
  return type === "array" ? "a list" : /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function readVulnerability(entry: unknown, result: Result, path: string, raw: RawReport): void {
  const parsed = vulnerabilitySchema.safeParse(entry);
  if (!parsed.success) {
    raw.unread.push(`${path}${placeOf(parsed.error)}`);
    return;
  }
  const own = asId(parsed.data.VulnerabilityID);
  if (own === undefined) {
    raw.unread.push(`${path}.VulnerabilityID: not the name of a vulnerability`);
    return;
  }
  const names = chooseId(
    own,
    asTexts(parsed.data["VendorIDs"]).flatMap((id) => {
      const other = asId(id);
      return other !== undefined && sameVulnerability.test(other) ? [other] : [];
    }),
  );
  if (parsed.data["Status"] === "not_affected") {
    raw.ruledOut.push({ id: names.id, reason: "the vendor says that the package is not affected" });
    return;
  }
  const { PkgName, InstalledVersion, PkgPath, PkgIdentifier } = parsed.data;
  raw.findings.push({
    finding: findingOf(parsed.data, names, result),
    distinct: JSON.stringify([result.Target, PkgName, InstalledVersion, PkgPath, PkgIdentifier]),
  });
}

/**
 * A finding that `.trivyignore` or VEX changed. Only what those took out is ruled out; any other status leaves the
 * vulnerability where it was.
 */
function readModified(entry: unknown, result: Result, path: string, raw: RawReport): void {
  const modified = asRecord(entry);
  if (modified === undefined) {
    raw.unread.push(`${path}: expected an object`);
    return;
  }
  if (asText(modified["Type"]) !== undefined && modified["Type"] !== "vulnerability") return;
  const status = modified["Status"];
  const id = asId(asRecord(modified["Finding"])?.["VulnerabilityID"]);
  if (id === undefined || (status !== "ignored" && status !== "not_affected" && status !== "fixed")) {
    readVulnerability(modified["Finding"], result, `${path}.Finding`, raw);
    return;
  }
  const by = asLine(modified["Source"]);
  const why = asLine(modified["Statement"]);
  const reason = `${status}${by === undefined ? "" : ` by ${by}`}${why === undefined ? "" : `: ${why}`}`;
  raw.ruledOut.push({ id, reason });
}
