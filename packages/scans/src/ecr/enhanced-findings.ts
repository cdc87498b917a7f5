/**
 * Findings of Amazon Inspector, as ECR (enhanced scanning) and Inspector itself give them
 * (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_EnhancedImageScanFinding.html,
 * https://docs.aws.amazon.com/inspector/v2/APIReference/API_Finding.html).
 */
import type { Fix } from "@gatehouse/policy";
import { asMoment } from "../cloud/cloud-report.ts";
import { operatingSystem, packageOf } from "../cloud/purl-of.ts";
import { newestScore } from "../parse/cvss.ts";
import { asId, chooseId } from "../parse/ids.ts";
import type { RawFinding } from "../parse/parsed.ts";
import { packageType } from "../parse/package-type.ts";
import { asLine, asNumber, asRecord, asText, asTexts, asUrl, defined } from "../parse/values.ts";
import { ecrSeverity } from "./severity.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What one entry says: findings (one for each package), or one that Inspector has closed, or nothing for us. */
export type EnhancedEntry =
  | {
      kind: "findings";
      arn: string | undefined;
      /** Its name as Inspector writes it. */
      vulnerability: string;
      exploitAvailable: boolean;
      findings: RawFinding[];
      lastSeenAt: string | undefined;
    }
  | { kind: "closed"; id: string }
  /** Network reachability and code: not about packages in an image. */
  | { kind: "other" };

/** Undefined for an entry that cannot be read. */
export function readEnhancedFinding(entry: unknown): EnhancedEntry | undefined {
  const fields = asRecord(entry);
  if (fields === undefined) return undefined;
  const details = asRecord(fields["packageVulnerabilityDetails"]);
  const type = fields["type"];
  if (type === "NETWORK_REACHABILITY" || type === "CODE_VULNERABILITY") return { kind: "other" };
  const own = asId(details?.["vulnerabilityId"]);
  if (details === undefined || own === undefined) return undefined;
  const id = chooseId(
    own,
    asTexts(details["relatedVulnerabilities"]).flatMap((other) => asId(other) ?? []),
  );
  if (fields["status"] === "CLOSED") return { kind: "closed", id: id.id };
  // Suppressed: somebody hid it in the account. Exemptions here have an owner, a reason and an end, so it counts.
  const packages = details["vulnerablePackages"];
  const affected = (Array.isArray(packages) ? packages : []).map(asRecord);
  const system = systemOf(fields);
  const common = {
    ...id,
    severity: ecrSeverity(fields["severity"]),
    cvss: scoreOf(details),
    epss: asNumber(asRecord(fields["epss"])?.["score"], 0, 1),
    publishedAt: asMoment(details["vendorCreatedAt"]),
    firstSeenAt: asMoment(fields["firstObservedAt"]),
    title: asLine(fields["title"]) ?? asLine(fields["description"]),
    url: asUrl(details["sourceUrl"]),
  };
  const findings = (affected.length === 0 ? [undefined] : affected).map((one): RawFinding => {
    const name = asText(one?.["name"]);
    return {
      finding: defined({
        ...common,
        package: one === undefined || name === undefined ? undefined : affectedPackage(one, name, system),
        fix: fixOf(fields["fixAvailable"], one?.["fixedInVersion"]),
      }),
      distinct: asText(one?.["sourceLayerHash"]) ?? "",
    };
  });
  const lastSeenAt = asMoment(fields["lastObservedAt"]);
  return {
    kind: "findings",
    arn: asText(fields["findingArn"]),
    vulnerability: own,
    exploitAvailable: fields["exploitAvailable"] === "YES",
    findings,
    lastSeenAt,
  };
}

function affectedPackage(
  one: Fields,
  name: string,
  system: string | undefined,
): ReturnType<typeof packageOf> {
  const manager = asText(one["packageManager"]);
  const os = manager === "OS" && system !== undefined ? operatingSystem(system) : undefined;
  const release = asText(one["release"]);
  const epoch = asNumber(one["epoch"], 0, 1_000_000) ?? 0;
  const upstream = asText(one["version"]);
  const version =
    upstream === undefined
      ? undefined
      : `${epoch > 0 ? `${epoch}:` : ""}${upstream}${release === undefined ? "" : `-${release}`}`;
  return packageOf({
    type: os?.type ?? packageType(undefined, managers[manager ?? ""] ?? manager),
    name,
    version,
    path: asText(one["filePath"]),
    distribution: os?.distribution,
  });
}

/** Inspector's package managers that another word names in package types. */
const managers: Readonly<Record<string, string>> = {
  PYTHONPKG: "python-pkg",
  NODEPKG: "node-pkg",
  DOTNET_CORE: "dotnet-core",
};

/** `platform` of the image: `DEBIAN_11`. */
function systemOf(fields: Fields): string | undefined {
  const [first] = Array.isArray(fields["resources"]) ? fields["resources"] : [];
  return asText(asRecord(asRecord(asRecord(first)?.["details"])?.["awsEcrContainerImage"])?.["platform"]);
}

function scoreOf(details: Fields): number | undefined {
  const list = Array.isArray(details["cvss"]) ? details["cvss"] : [];
  const source = details["source"];
  return newestScore(
    list.flatMap((item) => {
      const { baseScore, version, source: by } = asRecord(item) ?? {};
      const score = asNumber(baseScore, 0, 10);
      const number = asNumber(version, 1, 5);
      if (score === undefined || score === 0 || number === undefined) return [];
      return [{ version: number, score, preference: by === source ? 0 : by === "NVD" ? 1 : 2 }];
    }),
  );
}

/** `fixAvailable` is about all packages of the finding together; `PARTIAL` leaves each to say it for itself. */
function fixOf(available: unknown, fixedIn: unknown): Fix | undefined {
  const text = asText(fixedIn);
  const none = text !== undefined && /^not ?available$/i.test(text);
  const version = none ? undefined : text;
  if (available === "NO") return { available: false };
  if (version !== undefined) return { available: true, version };
  if (available === "YES") return { available: true };
  return none ? { available: false } : undefined;
}
