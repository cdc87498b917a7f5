/**
 * ListFindings and ListCoverage for several images at once: a filter takes ten values
 * (https://docs.aws.amazon.com/inspector/v2/APIReference/API_FilterCriteria.html), and a page of findings holds a
 * hundred of them, whichever image they are about.
 */
import { asMoment } from "../cloud/cloud-report.ts";
import { asRecord, asText } from "../parse/values.ts";
import { RegistryError } from "../registry/errors.ts";
import type { ImageIdentity } from "../source.ts";
import { AwsError, type EcrApi, type Json } from "./api.ts";
import { readEnhancedFinding, type EnhancedEntry } from "./enhanced-findings.ts";
import type { EcrHost } from "./host.ts";
import { readPages, type Pages } from "./pages.ts";
import { meaningOfCoverage, type StatusMeaning } from "./scan-status.ts";

/** What Inspector says of one image: whether it goes on scanning it, and what it has found. */
export interface InspectorView {
  /** Undefined when Inspector does not cover the image. */
  coverage?: { meaning: StatusMeaning; lastScannedAt?: string | undefined };
  entries: readonly EnhancedEntry[];
  /** What is missing of the findings. */
  unread: readonly string[];
  /** Why nothing is known of the coverage, if Inspector did not say. */
  silent?: string;
}

/** Values of one filter. */
export const mostImages = 10;
const findingsPage = 100;
const coveragePage = 200;

type Registry = Pick<EcrHost, "account" | "region">;

/**
 * What Inspector has on each of some images of one account and region. What several images could not be told together
 * is asked for one by one: one image's trouble is not another's.
 */
export async function listOfInspector(
  api: EcrApi,
  registry: Registry,
  images: readonly ImageIdentity[],
  signal: AbortSignal,
): Promise<readonly (InspectorView | RegistryError)[]> {
  const together = images.length > 1;
  const oneByOne = async (): Promise<(InspectorView | RegistryError)[]> => {
    const views: (InspectorView | RegistryError)[] = [];
    for (const image of images)
      try {
        views.push(...(await listOfInspector(api, registry, [image], signal)));
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        views.push(error);
      }
    return views;
  };
  // Coverage first: a scan that ends between the two calls then has its findings read, never the other way round.
  const coverage = await listCoverage(api, registry, images, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    return error instanceof Error ? error.message : "no answer";
  });
  const findings = await listFindings(api, registry, images, signal).catch((error: unknown) => {
    if (together && error instanceof AwsError && error.code === "malformed") return undefined;
    throw error;
  });
  if (findings === undefined) return await oneByOne();
  const incomplete = [findings, coverage].some((one) => typeof one === "object" && one.missing !== undefined);
  const items = findings.pages.flatMap((page) => listIn(page, "findings"));
  if (together && (incomplete || items.some((item) => imagesOf(item).length === 0))) return await oneByOne();
  return images.map((image) => viewOf(image, registry, findings, items, coverage));
}

function viewOf(
  image: ImageIdentity,
  registry: Registry,
  findings: Pages,
  items: readonly unknown[],
  coverage: Pages | string,
): InspectorView {
  const unread = [findings.missing].filter((problem) => problem !== undefined);
  if (findings.pages.some((page) => !Array.isArray(page["findings"])))
    unread.push("Inspector's findings: expected a list");
  const entries: EnhancedEntry[] = [];
  const own = `${image.repository}@${image.digest}`;
  for (const item of items) {
    const about = imagesOf(item);
    // It was asked for by digest: what does not say which image it is about is about this one, the only one asked for.
    if (about.length > 0 && !about.includes(own)) continue;
    const entry = readEnhancedFinding(item);
    if (entry === undefined) unread.push("Inspector's findings: an entry without a vulnerability's name");
    else entries.push(entry);
  }
  if (typeof coverage === "string") return { entries, unread, silent: coverage };
  if (coverage.missing !== undefined) unread.push(coverage.missing);
  if (coverage.pages.some((page) => !Array.isArray(page["coveredResources"])))
    unread.push("Inspector's coverage: expected a list");
  const covered = coverage.pages
    .flatMap((page) => listIn(page, "coveredResources"))
    .map(asRecord)
    // A filter that is not applied must not make another image's scan ours.
    .find((one) => asText(one?.["resourceId"]) === resourceIdOf(registry, image));
  if (covered === undefined) return { entries, unread };
  const status = asRecord(covered["scanStatus"]);
  const meaning = meaningOfCoverage(status?.["statusCode"], status?.["reason"]);
  return { entries, unread, coverage: { meaning, lastScannedAt: asMoment(covered["lastScannedAt"]) } };
}

async function listFindings(
  api: EcrApi,
  { account, region }: Registry,
  images: readonly ImageIdentity[],
  signal: AbortSignal,
): Promise<Pages> {
  const filterCriteria = {
    awsAccountId: equals([account]),
    ecrImageHash: equals(images.map(({ digest }) => digest)),
    findingStatus: equals(["ACTIVE", "SUPPRESSED"]),
  };
  return await readPages(
    async (nextToken) =>
      await api.inspector(
        { region, path: "findings/list", body: { filterCriteria, maxResults: findingsPage, nextToken } },
        signal,
      ),
    "Inspector's findings",
  );
}

async function listCoverage(
  api: EcrApi,
  registry: Registry,
  images: readonly ImageIdentity[],
  signal: AbortSignal,
): Promise<Pages> {
  const { account, region } = registry;
  const filterCriteria = {
    accountId: equals([account]),
    resourceType: equals(["AWS_ECR_CONTAINER_IMAGE"]),
    resourceId: equals(images.map((image) => resourceIdOf(registry, image))),
  };
  return await readPages(
    async (nextToken) =>
      await api.inspector(
        { region, path: "coverage/list", body: { filterCriteria, maxResults: coveragePage, nextToken } },
        signal,
      ),
    "Inspector's coverage",
  );
}

/** `REPOSITORY@DIGEST` of the images that a finding says it is about. */
function imagesOf(finding: unknown): string[] {
  const resources = asRecord(finding)?.["resources"];
  return (Array.isArray(resources) ? resources : []).flatMap((one: unknown) => {
    const image = asRecord(asRecord(asRecord(one)?.["details"])?.["awsEcrContainerImage"]);
    const repository = asText(image?.["repositoryName"]);
    const digest = asText(image?.["imageHash"]);
    return repository === undefined || digest === undefined ? [] : [`${repository}@${digest}`];
  });
}

function resourceIdOf({ account, region }: Registry, { repository, digest }: ImageIdentity): string {
  return `arn:${partition(region)}:ecr:${region}:${account}:repository/${repository}/${digest}`;
}

function partition(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

function equals(values: readonly string[]): object[] {
  return [...new Set(values)].map((value) => ({ comparison: "EQUALS", value }));
}

function listIn(page: Json, field: string): unknown[] {
  const list = page[field];
  return Array.isArray(list) ? list : [];
}
