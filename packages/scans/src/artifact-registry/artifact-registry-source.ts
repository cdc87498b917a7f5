/**
 * Artifact Registry's scan results, from Container Analysis.
 * @module
 */
import type { ScanReport } from "@gatehouse/policy";
import { cloudReport, unanswered } from "../cloud/cloud-report.ts";
import type { RawFinding } from "../parse/parsed.ts";
import { asRecord } from "../parse/values.ts";
import { isNamedHost } from "../registry/hosts.ts";
import type { ImageIdentity, ScanSource } from "../source.ts";
import { analysisState } from "./discovery.ts";
import { analysedImage, type AnalysedImage } from "./image.ts";
import type { ListOccurrences } from "./occurrences.ts";
import { readVulnerability } from "./vulnerability.ts";

/** What one source over Artifact Registry is made of; `loadArtifactRegistry` makes it of a configuration. */
export interface ArtifactRegistrySourceOptions {
  /** Named in events and messages. */
  name: string;
  /** Host patterns that it answers for. */
  registries: readonly string[];
  /** Projects that may be asked about. */
  projects: readonly string[];
  /** Asks Container Analysis, with the credentials that it was made with. */
  list: ListOccurrences;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Reads the analysis of one image of one platform. */
export function artifactRegistrySource(options: ArtifactRegistrySourceOptions): ScanSource {
  const { name, list, now } = options;

  async function read(image: ImageIdentity, signal: AbortSignal): Promise<ScanReport> {
    const analysed = analysedImage(image, options.projects);
    if (analysed === undefined)
      return cloudReport(name, {
        state: "unsupported",
        reason: `${image.repository} is in none of the projects that the source ${name} names`,
        findings: [],
      });
    // Records first: a scan that ends between the two calls then has its findings read, never the other way round.
    const discovery = await list("DISCOVERY", analysed, signal);
    const records = ofThisImage(discovery.occurrences, analysed);
    const { scannedAt, unread: untold = [], ...analysis } = analysisState(records.own, now());
    const incomplete = discovery.missing ?? records.strange;
    if (analysis.state === "absent" && incomplete === undefined)
      return cloudReport(name, { ...analysis, findings: [] });
    const vulnerabilities = await list("VULNERABILITY", analysed, signal);
    const found = ofThisImage(vulnerabilities.occurrences, analysed);
    const findings: RawFinding[] = [];
    const ruledOut: { id: string; reason: string }[] = [];
    const unread = [
      discovery.missing,
      records.strange,
      vulnerabilities.missing,
      found.strange,
      ...untold,
    ].filter((one) => one !== undefined);
    for (const [index, occurrence] of found.own.entries()) {
      const entry = readVulnerability(occurrence);
      if (entry === undefined) unread.push(`occurrences[${index}]: not a vulnerability with a name`);
      else if ("ruledOut" in entry) ruledOut.push(entry.ruledOut);
      else findings.push(...entry.findings);
    }
    const state = analysis.state === "absent" ? { state: "partial" as const, reason: incomplete } : analysis;
    return cloudReport(name, {
      ...state,
      scannedAt,
      scanner: { name: "Artifact Analysis" },
      findings,
      ruledOut,
      unread,
    });
  }

  return {
    name,
    covers: ({ registry }) => isNamedHost(options.registries, registry),
    async report(image, signal) {
      try {
        return await read(image, signal);
      } catch (error) {
        return unanswered(name, error);
      }
    },
  };
}

/** The occurrences that are about the image that was asked for: a filter that is not applied must not clear it. */
function ofThisImage(
  occurrences: readonly unknown[],
  { resourceUrl }: AnalysedImage,
): { own: readonly unknown[]; strange: string | undefined } {
  const own = occurrences.filter((one) => asRecord(one)?.["resourceUri"] === resourceUrl);
  const others = occurrences.length - own.length;
  return {
    own,
    strange: others === 0 ? undefined : `${others} occurrences do not say that they are about this image`,
  };
}
