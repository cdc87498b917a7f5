/**
 * SARIF 2.1.0 as Trivy and Grype write it (https://docs.oasis-open.org/sarif/sarif/v2.1.0/). Both put what they know
 * into prose made for people, from which it is read back line by line. What neither writes is unknown: EPSS, known
 * exploitation, dates, and, without `invocations`, whether a scan ended.
 */
import type { Finding, Fix, Severity } from "@gatehouse/policy";
import { newestScore } from "./cvss.ts";
import type { CvssScore } from "./cvss.ts";
import { asId } from "./ids.ts";
import { imageNames } from "./image-names.ts";
import { packageType } from "./package-type.ts";
import type { RawReport } from "./parsed.ts";
import { severityOf } from "./severity-words.ts";
import { asInstant, asLine, asNumber, asRecord, asText, asTexts, asUrl, defined } from "./values.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Whether `document` is a SARIF log. */
export function isSarif(document: unknown): boolean {
  const fields = asRecord(document);
  return (
    fields !== undefined &&
    "runs" in fields &&
    ((asText(fields["version"]) ?? "").startsWith("2.") || "$schema" in fields)
  );
}

/** Reads a document for which `isSarif` holds. */
export function readSarif(document: unknown): RawReport {
  const runs = asRecord(document)?.["runs"];
  const raw: RawReport = { format: "sarif", images: [], findings: [], ruledOut: [], unread: [] };
  if (!Array.isArray(runs) || runs.length === 0) raw.unread.push("$.runs: expected at least one run");
  const list: readonly unknown[] = Array.isArray(runs) ? runs : [];
  const ends = list.map((run, index) => readRun(asRecord(run) ?? {}, `$.runs[${index}]`, raw));
  // Several runs have ended when the last of them has, and only if each says so.
  const known = ends.flatMap((end) => end ?? []);
  const last = [...known].sort().at(-1);
  if (last !== undefined && known.length === ends.length) raw.scannedAt = last;
  return raw;
}

function readRun(run: Fields, path: string, raw: RawReport): string | undefined {
  const driver = asRecord(asRecord(run["tool"])?.["driver"]) ?? {};
  const tool = asText(driver["name"])?.toLowerCase();
  const results = run["results"];
  if (tool !== "trivy" && tool !== "grype") {
    const named = asLine(driver["name"]) ?? "an unnamed tool";
    raw.shortfall ??= {
      state: "unsupported",
      reason: `SARIF of ${named} is not read, only of Trivy and Grype`,
    };
    if (raw.findings.length > 0) raw.unread.push(`${path}: a run of ${named}`);
    return undefined;
  }
  if (raw.shortfall?.state === "unsupported") raw.unread.push(`${path}: a run beside one of another tool`);
  raw.scanner ??= defined({ name: tool, version: asText(driver["version"]) });
  const properties = asRecord(run["properties"]) ?? {};
  const list: readonly unknown[] = Array.isArray(results) ? results : [];
  if (!Array.isArray(results)) raw.unread.push(`${path}.results: expected a list`);
  const rules = rulesOf(driver["rules"]);
  const names = [
    properties["imageName"],
    ...asTexts(properties["repoTags"]),
    ...asTexts(properties["repoDigests"]),
  ];
  list.forEach((item, index) => {
    const result = asRecord(item);
    const place = `${path}.results[${index}]`;
    if (result === undefined) return void raw.unread.push(`${place}: expected an object`);
    const rule = ruleOf(result, rules);
    if (tool === "trivy" && isOtherThanVulnerability(rule)) return undefined;
    const finding = tool === "trivy" ? trivyFinding(result, rule) : grypeFinding(result, rule);
    if (finding === undefined)
      return void raw.unread.push(`${place}.ruleId: not the name of a vulnerability`);
    names.push(/ was found in image (\S+) at: /.exec(messageOf(result))?.[1]);
    return void raw.findings.push({
      finding,
      distinct: JSON.stringify([result["ruleId"], result["message"], result["locations"]]),
    });
  });
  raw.images.push(...imageNames(names));
  return endOf(run["invocations"], raw);
}

/** When the last invocation ended; one that says it did not succeed makes the scan a failed one. */
function endOf(invocations: unknown, raw: RawReport): string | undefined {
  const list = (Array.isArray(invocations) ? invocations : []).map((item) => asRecord(item) ?? {});
  if (list.some((one) => one["executionSuccessful"] === false))
    raw.shortfall = { state: "failed", reason: "the scanner says that its run did not succeed" };
  const ends = list.map((one) => asInstant(one["endTimeUtc"]));
  return ends.includes(undefined)
    ? undefined
    : ends
        .flatMap((end) => end ?? [])
        .sort()
        .at(-1);
}

function rulesOf(rules: unknown): Map<unknown, Fields> {
  const list = (Array.isArray(rules) ? rules : []).map((rule) => asRecord(rule) ?? {});
  return new Map(
    list.flatMap((rule, index): [unknown, Fields][] => [
      [index, rule],
      [rule["id"], rule],
    ]),
  );
}

function ruleOf(result: Fields, rules: ReadonlyMap<unknown, Fields>): Fields {
  return rules.get(result["ruleId"]) ?? rules.get(result["ruleIndex"]) ?? {};
}

/** Trivy writes misconfigurations, secrets and licences as results too, and says so in the rule. */
function isOtherThanVulnerability(rule: Fields): boolean {
  const tags = asTexts(asRecord(rule["properties"])?.["tags"]);
  return (
    !tags.includes("vulnerability") &&
    tags.some((tag) => ["misconfiguration", "secret", "license"].includes(tag))
  );
}

function trivyFinding(result: Fields, rule: Fields): Finding | undefined {
  const id = asId(result["ruleId"]);
  if (id === undefined) return undefined;
  const lines = linesOf(messageOf(result));
  const properties = asRecord(rule["properties"]) ?? {};
  const word =
    lines.get("Severity") ?? asTexts(properties["tags"]).find((tag) => severityOf(tag) !== "unknown");
  const name = asText(lines.get("Package"));
  const location = asText(asRecord(locationOf(result)["artifactLocation"])?.["uri"]);
  return defined({
    id,
    severity: severityOf(word),
    package:
      name === undefined
        ? undefined
        : defined({
            name,
            version: asText(lines.get("Installed Version")),
            // For packages of the operating system the location is the image's own name.
            path: rule["name"] === "LanguageSpecificPackageVulnerability" ? location : undefined,
          }),
    fix: fixOf(lines.get("Fixed Version"), true),
    cvss: newestScore(
      trivyScores.flatMap(({ field, version }): CvssScore[] => {
        const score = asNumber(properties[field], 0, 10);
        return score === undefined || score === 0 ? [] : [{ version, score, preference: 0 }];
      }),
    ),
    title: asLine(asRecord(rule["shortDescription"])?.["text"]),
    url: asUrl(rule["helpUri"]),
  });
}
const trivyScores = [
  { field: "cvssv40_baseScore", version: 4 },
  { field: "cvssv3_baseScore", version: 3 },
  { field: "cvssv2_score", version: 2 },
] as const;

/**
 * Grype's rule id is the vulnerability's and the package's name with a dash between; its help text tells them apart.
 * `security-severity` is left alone: where there is no CVSS score Grype makes one up from the severity.
 */
function grypeFinding(result: Fields, rule: Fields): Finding | undefined {
  const help = asText(asRecord(rule["help"])?.["text"]) ?? "";
  const lines = linesOf(help);
  const own = /^Vulnerability (\S+)/.exec(help)?.[1];
  const id = asId(own ?? knownId.exec(asText(result["ruleId"]) ?? "")?.[0] ?? result["ruleId"]);
  if (id === undefined) return undefined;
  const said = sentenceOf(messageOf(result));
  const name = asText(said.name) ?? asText(lines.get("Package"));
  const purls = asTexts(asRecord(rule["properties"])?.["purls"]);
  const purl = purls.length === 1 ? purls[0] : undefined;
  return defined({
    id,
    severity: severityOf(said.severity ?? lines.get("Severity")) satisfies Severity,
    package:
      name === undefined
        ? undefined
        : defined({
            name,
            version: asText(said.version) ?? asText(lines.get("Version")),
            type: packageType(purl, said.type ?? lines.get("Type")),
            purl,
            path: asText(said.path) ?? asText(lines.get("Location")),
          }),
    fix: fixOf(lines.get("Fix Version")?.replaceAll(",", ", "), false),
  });
}

/**
 * Grype's sentence, `A high vulnerability in deb package: bash, version 5.2 was found in image NAME at: PATH`. Names of
 * packages are for the image's author to choose, and an expression with this many gaps takes hours over a long one
 * that repeats what stands between them; so the sentence is taken apart at its words, each looked for once.
 */
function sentenceOf(
  text: string,
): Partial<Record<"severity" | "type" | "name" | "version" | "path", string>> {
  const begin = /^An? (\S+) vulnerability in /.exec(text);
  const packageAt = text.indexOf(" package: ");
  let versionAt = text.length;
  let version: string | undefined;
  while (version === undefined && versionAt > Math.max(packageAt, 0)) {
    versionAt = text.lastIndexOf(", version ", versionAt - 1);
    if (versionAt === -1) break;
    versionWords.lastIndex = versionAt;
    version = versionWords.exec(text)?.[1];
  }
  const pathAt = text.indexOf(" at: ", Math.max(versionAt, 0));
  const path = pathAt === -1 ? {} : { path: text.slice(pathAt + " at: ".length) };
  if (begin === null || version === undefined || packageAt < begin[0].length || versionAt < packageAt)
    return path;
  return {
    severity: begin[1] ?? "",
    type: text.slice(begin[0].length, packageAt),
    name: text.slice(packageAt + " package: ".length, versionAt),
    version,
    ...path,
  };
}
const versionWords = /, version (\S*) was found/y;
const knownId = /^(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3})(?=-|$)/i;

/** Trivy leaves the version empty only when there is none; Grype also when it does not know. */
function fixOf(version: string | undefined, emptyIsNone: boolean): Fix | undefined {
  const fixedIn = asLine(version);
  if (fixedIn !== undefined) return { available: true, version: fixedIn };
  return version !== undefined && emptyIsNone ? { available: false } : undefined;
}

function messageOf(result: Fields): string {
  return asText(asRecord(result["message"])?.["text"]) ?? "";
}

function locationOf(result: Fields): Fields {
  const locations = result["locations"];
  const [first] = Array.isArray(locations) ? (locations as readonly unknown[]) : [];
  return asRecord(asRecord(first)?.["physicalLocation"]) ?? {};
}

/** `Name: value` lines, the first of each name. */
function linesOf(text: string): Map<string, string> {
  const lines = new Map<string, string>();
  for (const line of text.split("\n", 12)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    if (colon > 0 && !lines.has(name)) lines.set(name, line.slice(colon + 1).trim());
  }
  return lines;
}
