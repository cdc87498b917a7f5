/**
 * Amazon Inspector's own findings and coverage: EPSS, and when it last scanned.
 */
import { asMoment } from "../cloud/cloud-report.ts";
import { asRecord, asText } from "../parse/values.ts";
import type { ImageIdentity } from "../source.ts";
import type { EcrApi } from "./api.ts";
import { readEnhancedFinding, type EnhancedEntry } from "./enhanced-findings.ts";
import type { EcrHost } from "./host.ts";
import { readPages } from "./pages.ts";
import { meaningOfCoverage, type StatusMeaning } from "./scan-status.ts";

export interface InspectorView {
  /** Undefined when Inspector does not cover the image. */
  coverage?: { meaning: StatusMeaning; lastScannedAt?: string | undefined };
  entries: readonly EnhancedEntry[];
  /** What is missing of the findings. */
  unread: readonly string[];
  /** Why nothing is known of the coverage, if Inspector did not say. */
  silent?: string;
}

const findingsPage = 100;
const coveragePage = 200;

/** Everything that Inspector has on one image. Rejects with `RegistryError` when it does not give its findings. */
export async function readInspector(
  api: EcrApi,
  host: EcrHost,
  image: ImageIdentity,
  signal: AbortSignal,
): Promise<InspectorView> {
  const { account, region } = host;
  const { repository, digest } = image;
  const equals = (...values: string[]): object[] => values.map((value) => ({ comparison: "EQUALS", value }));
  const [findings, covering] = await Promise.all([
    readPages(
      async (nextToken) =>
        await api.inspector(
          {
            region,
            path: "findings/list",
            body: {
              filterCriteria: {
                awsAccountId: equals(account),
                ecrImageHash: equals(digest),
                ecrImageRepositoryName: equals(repository),
                findingStatus: equals("ACTIVE", "SUPPRESSED"),
              },
              maxResults: findingsPage,
              nextToken,
            },
          },
          signal,
        ),
      "Inspector's findings",
    ),
    readPages(
      async (nextToken) =>
        await api.inspector(
          {
            region,
            path: "coverage/list",
            body: {
              filterCriteria: {
                accountId: equals(account),
                resourceType: equals("AWS_ECR_CONTAINER_IMAGE"),
                ecrRepositoryName: equals(repository),
                resourceId: equals(
                  `arn:${partition(region)}:ecr:${region}:${account}:repository/${repository}/${digest}`,
                ),
              },
              maxResults: coveragePage,
              nextToken,
            },
          },
          signal,
        ),
      "Inspector's coverage",
    ).catch((error: unknown) => {
      signal.throwIfAborted();
      return error instanceof Error ? error.message : "no answer";
    }),
  ]);
  const coverage = typeof covering === "string" ? { pages: [], missing: undefined } : covering;
  const unread = [findings.missing, coverage.missing].filter((problem) => problem !== undefined);
  const entries: EnhancedEntry[] = [];
  for (const page of findings.pages) {
    const list = page["findings"];
    if (!Array.isArray(list)) unread.push("Inspector's findings: expected a list");
    for (const item of Array.isArray(list) ? list : []) {
      const entry = readEnhancedFinding(item);
      if (entry === undefined) unread.push("Inspector's findings: an entry without a vulnerability's name");
      else entries.push(entry);
    }
  }
  const covered = coverage.pages
    .flatMap((page): unknown[] => (Array.isArray(page["coveredResources"]) ? page["coveredResources"] : []))
    .map(asRecord)
    // A filter that is not applied must not make another image's scan ours.
    .find((one) => asText(one?.["resourceId"])?.endsWith(`repository/${repository}/${digest}`) === true);
  if (typeof covering === "string") return { entries, unread, silent: covering };
  if (covered === undefined) return { entries, unread };
  const status = asRecord(covered["scanStatus"]);
  const meaning = meaningOfCoverage(status?.["statusCode"], status?.["reason"]);
  return { entries, unread, coverage: { meaning, lastScannedAt: asMoment(covered["lastScannedAt"]) } };
}

function partition(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}
