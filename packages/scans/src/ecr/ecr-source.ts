/**
 * Amazon ECR's scan results: basic scanning, and enhanced scanning by Amazon Inspector.
 * @module
 */
import type { ScanReport } from "@gatehouse/policy";
import { asMoment, cloudReport, latest, unanswered, type CloudScan } from "../cloud/cloud-report.ts";
import type { RawFinding } from "../parse/parsed.ts";
import { asRecord } from "../parse/values.ts";
import { RegistryError } from "../registry/errors.ts";
import { isNamedHost } from "../registry/hosts.ts";
import type { ImageIdentity, ScanSource } from "../source.ts";
import { AwsError, type EcrApi, type Json } from "./api.ts";
import { readBasicFinding } from "./basic-findings.ts";
import { readEnhancedFinding, type EnhancedEntry } from "./enhanced-findings.ts";
import { parseEcrHost, type EcrHost } from "./host.ts";
import { createInspector } from "./inspector.ts";
import type { InspectorView } from "./inspector-lists.ts";
import { readPages } from "./pages.ts";
import { absenceOf, meaningOfStatus } from "./scan-status.ts";

/** What one source over ECR is made of; `loadEcr` makes it of a configuration. */
export interface EcrSourceOptions {
  /** Named in events and messages. */
  name: string;
  /** Host patterns that it answers for; account and region of a call come from the host. */
  registries: readonly string[];
  api: EcrApi;
  /** Also asks Inspector itself, for EPSS, exploits and the time of the last scan. @default false */
  inspector?: boolean | undefined;
  /** Milliseconds since 1970. @default Date.now */
  now?: (() => number) | undefined;
}

const pageSize = 1000;

/** Reads the scan that ECR has of one image of one platform. */
export function ecrSource(options: EcrSourceOptions): ScanSource {
  const { name, api } = options;
  const readInspector =
    options.inspector === true ? createInspector(api, options.now ?? Date.now) : undefined;

  async function read(image: ImageIdentity, signal: AbortSignal): Promise<CloudScan> {
    const host = parseEcrHost(image.registry);
    if (host === undefined)
      return {
        state: "unsupported",
        reason: `${image.registry} is no private registry of Amazon ECR; ECR Public scans nothing`,
        findings: [],
      };
    const ecr = readEcr(api, host, image, signal);
    // Awaited below; until then its failure is nobody's.
    ecr.catch(() => undefined);
    const view = await readInspector?.(host, image, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return error instanceof Error ? error.message : "no answer";
    });
    try {
      return withInspector(await ecr, view);
    } catch (error) {
      const reason = error instanceof AwsError ? absenceOf(error.type) : undefined;
      if (reason === undefined) throw error;
      return { state: "absent", reason, findings: [] };
    }
  }

  return {
    name,
    covers: ({ registry }) => isNamedHost(options.registries, registry),
    async report(image, signal): Promise<ScanReport> {
      try {
        return cloudReport(name, await read(image, signal));
      } catch (error) {
        return unanswered(name, explained(error));
      }
    },
  };
}

interface EcrView {
  scan: CloudScan;
  /** Enhanced findings by their ARN, so that Inspector's own add to them. */
  entries: readonly EnhancedEntry[];
  enhanced: boolean;
  /** Whether it says what was found at all, be it nothing. */
  listed: boolean;
  /** State without a proof yet. */
  meaning: ReturnType<typeof meaningOfStatus>;
}

async function readEcr(
  api: EcrApi,
  host: EcrHost,
  image: ImageIdentity,
  signal: AbortSignal,
): Promise<EcrView> {
  const { region, account, api: apiHost } = host;
  const { repository, digest } = image;
  const { pages, missing } = await readPages(
    async (nextToken) =>
      await api.ecr(
        {
          region,
          host: apiHost,
          operation: "DescribeImageScanFindings",
          body: {
            registryId: account,
            repositoryName: repository,
            imageId: { imageDigest: digest },
            maxResults: pageSize,
            nextToken,
          },
        },
        signal,
      ),
    "ECR's findings",
  );
  const unread: string[] = missing === undefined ? [] : [missing];
  const basic: RawFinding[] = [];
  const entries: EnhancedEntry[] = [];
  let enhanced = false;
  for (const page of pages) {
    const found = asRecord(page["imageScanFindings"]);
    for (const [key, read, keep] of [
      ["findings", readBasicFinding, (one: RawFinding) => basic.push(one)],
      ["enhancedFindings", readEnhancedFinding, (one: EnhancedEntry) => entries.push(one)],
    ] as const) {
      const list = found?.[key];
      if (list === undefined || list === null) continue;
      if (key === "enhancedFindings") enhanced = true;
      if (!Array.isArray(list)) unread.push(`${key}: expected a list`);
      for (const item of Array.isArray(list) ? list : []) {
        const one = read(item);
        if (one === undefined) unread.push(`${key}: an entry without a vulnerability's name`);
        else (keep as (value: typeof one) => void)(one);
      }
    }
  }
  const [first, ...later] = pages;
  if (later.some((page) => !hasFindings(page))) unread.push("a page without a list of findings");
  if (pages.some((page) => isAnotherScan(first, page)))
    unread.push("the scan changed while its pages were read");
  const found = asRecord(first?.["imageScanFindings"]);
  const counted = countsOf(found?.["findingSeverityCounts"]);
  // What Inspector has closed, or is no package's, is not what ECR counts.
  const had = basic.length + entries.filter(({ kind }) => kind === "findings").length;
  if (counted > 0 && (had === 0 || (!enhanced && had < counted)))
    unread.push(`ECR counts ${counted} findings and gives ${had}`);
  const answered = pages.map((page) => asRecord(page["imageId"])?.["imageDigest"]);
  if (answered.some((one) => one !== undefined && one !== digest))
    throw new RegistryError("malformed", `ECR answered for another image than ${digest}`);
  if (answered.includes(undefined)) unread.push("ECR does not say which image it answers for");
  const status = asRecord(first?.["imageScanStatus"]);
  const meaning = meaningOfStatus(status?.["status"], status?.["description"]);
  // Findings that Inspector has seen prove that it has scanned, at the latest when it saw them last.
  const seen = entries.map((one) => (one.kind === "findings" ? one.lastSeenAt : undefined));
  const scannedAt = latest([asMoment(found?.["imageScanCompletedAt"]), ...(enhanced ? seen : [])]);
  const databaseUpdatedAt = asMoment(found?.["vulnerabilitySourceUpdatedAt"]);
  const scanner = {
    name: enhanced || status?.["status"] === "ACTIVE" ? "Amazon Inspector" : "Amazon ECR basic scanning",
  };
  return {
    scan: {
      state: "pending",
      scannedAt,
      scanner: databaseUpdatedAt === undefined ? scanner : { ...scanner, databaseUpdatedAt },
      findings: basic,
      unread,
    },
    entries,
    enhanced,
    listed: hasFindings(first) || asRecord(found?.["findingSeverityCounts"]) !== undefined,
    meaning,
  };
}

function hasFindings(page: Json | undefined): boolean {
  const found = asRecord(page?.["imageScanFindings"]);
  return ["findings", "enhancedFindings"].some((key) => Array.isArray(found?.[key]));
}

/** Brings ECR's view and Inspector's together: the worse state counts, and every finding that either of them has. */
function withInspector(
  { scan, entries, listed, meaning }: EcrView,
  view: InspectorView | string | undefined,
): CloudScan {
  const own = typeof view === "object" ? view : undefined;
  const all = [...entries, ...(own?.entries ?? [])];
  const byArn = new Map<string, RawFinding[]>();
  const findings: RawFinding[] = [...scan.findings];
  for (const entry of all) {
    if (entry.kind !== "findings") continue;
    // Inspector's own entry of the same finding says all that ECR's says, and EPSS besides.
    if (entry.arn === undefined) findings.push(...entry.findings);
    else byArn.set(entry.arn, entry.findings);
  }
  findings.push(...[...byArn.values()].flat());
  const closed = all.flatMap((entry) => (entry.kind === "closed" ? [entry.id] : []));
  const coverage = own?.coverage;
  const scannedAt = coverage?.lastScannedAt ?? scan.scannedAt;
  const rest: Omit<CloudScan, "state"> = {
    ...scan,
    scannedAt,
    findings,
    ruledOut: [...new Set(closed)].map((id) => ({ id, reason: "Inspector has closed it" })),
    unread: [
      ...(scan.unread ?? []),
      ...(own?.unread ?? []),
      ...(listed || own !== undefined ? [] : ["ECR does not say what it found"]),
    ],
  };
  if (meaning.state !== "proof") return { ...rest, ...meaning, state: meaning.state };
  if (coverage !== undefined && coverage.meaning.state !== "proof")
    return { ...rest, reason: coverage.meaning.reason, state: coverage.meaning.state };
  const mute = typeof view === "string" ? view : own?.silent;
  const silent = mute === undefined ? undefined : `Inspector gave no answer: ${mute}`;
  if (scannedAt !== undefined) return { ...rest, state: "complete", reason: silent };
  // Inspector could have had the proof.
  if (silent !== undefined) return { ...rest, state: "unavailable", reason: silent };
  return { ...rest, state: "pending", reason: coverage?.meaning.reason ?? meaning.reason };
}

/** Whether a later page is of another scan than the first. */
function isAnotherScan(first: Json | undefined, page: Json): boolean {
  const parts = (one: Json | undefined): unknown[] => [
    asRecord(one?.["imageScanStatus"])?.["status"],
    asRecord(one?.["imageScanFindings"])?.["imageScanCompletedAt"],
  ];
  const before = parts(first);
  return parts(page).some((part, index) => part !== undefined && part !== before[index]);
}

function countsOf(counts: unknown): number {
  return Object.values(asRecord(counts) ?? {}).reduce<number>(
    (sum, count) => sum + (typeof count === "number" && count > 0 ? count : 0),
    0,
  );
}

/** Says which permission is missing. */
function explained(error: unknown): unknown {
  if (!(error instanceof AwsError) || !error.type.startsWith("AccessDenied")) return error;
  return new RegistryError(
    "denied",
    `${error.message}; allow ecr:DescribeImageScanFindings on the repository, and across accounts also in the repository's policy`,
    { cause: error },
  );
}
