/**
 * Artifact Registry's scan results, from Container Analysis.
 * @module
 */
import type { ScanReport } from "@gatehouse/policy";
import { cloudReport, unanswered } from "../cloud/cloud-report.ts";
import type { RawFinding } from "../parse/parsed.ts";
import { isNamedHost } from "../registry/hosts.ts";
import type { ImageIdentity, ScanSource } from "../source.ts";
import { analysisState } from "./discovery.ts";
import { analysedImage } from "./image.ts";
import type { ListOccurrences } from "./occurrences.ts";
import { readVulnerability } from "./vulnerability.ts";

export interface ArtifactRegistrySourceOptions {
  /** Named in events and messages. */
  name: string;
  /** Host patterns that it answers for. */
  registries: readonly string[];
  /** Projects that may be asked about. */
  projects: readonly string[];
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
    const { scannedAt, ...analysis } = analysisState(discovery.occurrences, now());
    if (analysis.state === "absent" && discovery.missing === undefined)
      return cloudReport(name, { ...analysis, findings: [] });
    const vulnerabilities = await list("VULNERABILITY", analysed, signal);
    const findings: RawFinding[] = [];
    const ruledOut: { id: string; reason: string }[] = [];
    const unread = [discovery.missing, vulnerabilities.missing].filter((one) => one !== undefined);
    for (const [index, occurrence] of vulnerabilities.occurrences.entries()) {
      const entry = readVulnerability(occurrence);
      if (entry === undefined) unread.push(`occurrences[${index}]: not a vulnerability with a name`);
      else if ("ruledOut" in entry) ruledOut.push(entry.ruledOut);
      else findings.push(...entry.findings);
    }
    const state =
      analysis.state === "absent" ? { state: "partial" as const, reason: discovery.missing } : analysis;
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
