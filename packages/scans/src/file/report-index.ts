/**
 * Which report answers for which image.
 */
import { LRUCache } from "lru-cache";
import { oneLine } from "@gatehouse/policy";
import type { ImageReference, ImageScan, Platform, ReportTrust, ScanReport } from "@gatehouse/policy";
import type { ParsedReport, ReportedImage } from "../parse/parsed.ts";
import { platformFits } from "../platforms.ts";
import type { ImageIdentity, ResolvedImage } from "../source.ts";

/** A file of the folder, and the images it is about. Either it was parsed or it was not readable. */
export type FolderReport = {
  /** Path below the folder. */
  file: string;
  images: readonly ReportedImage[];
  platform?: Platform;
} & ({ parsed: ParsedReport } | { unreadable: string });

/** Images whose platforms are remembered. */
const rememberedImages = 2_000;

/** Answers about a folder's reports, none of which waits for anything. */
export interface ReportIndex {
  /** The report about an image, or `absent`. */
  report(image: ImageIdentity): ScanReport;
  /** What the reports say that a reference names. */
  resolve(reference: ImageReference): ResolvedImage | undefined;
  /** Reports that name the reference's tag and no digest for it. */
  scanByTag(reference: ImageReference): ImageScan | undefined;
}

/**
 * Indexes reports by digest and by `registry/repository:tag`. A digest names the same content everywhere, so a report
 * counts for its digest whichever repository it names.
 */
export function indexReports(
  reports: readonly FolderReport[],
  origin: { source: string; trust: ReportTrust },
): ReportIndex {
  const resolved = new LRUCache<string, ResolvedImage>({ max: rememberedImages });
  const byDigest = new Map<string, FolderReport[]>();
  const byTag = new Map<string, { entry: FolderReport; image: ReportedImage }[]>();
  for (const entry of reports) {
    for (const image of entry.images) {
      for (const digest of image.digests) add(byDigest, digest, entry);
      for (const tag of image.tags)
        add(byTag, `${image.registry}/${image.repository}:${tag}`, { entry, image });
    }
  }

  for (const named of byTag.values()) {
    // What could not be read and names only the tag may be about any digest that the tag had.
    const lost = named.filter(({ entry, image }) => "unreadable" in entry && image.digests.length === 0);
    for (const digest of new Set(named.flatMap(({ image }) => image.digests)))
      for (const { entry } of lost) add(byDigest, digest, entry);
  }

  function find(image: ImageIdentity): FolderReport[] {
    const exact = byDigest.get(image.digest) ?? [];
    if (exact.length > 0 || image.indexDigest === undefined || image.ambiguous === true) return exact;
    return byDigest.get(image.indexDigest) ?? [];
  }

  return {
    report: (image) => {
      const all = find(image);
      const found = all.length === 1 ? all : [...new Set(all)];
      const fitting = fit(found, image.platform);
      if (fitting.length > 0) return choose(fitting, origin);
      const others = [...new Set(found.map(({ platform }) => platform ?? "no platform"))].sort().join(", ");
      const name = `${image.registry}/${image.repository}@${image.digest}`;
      const reason =
        found.length === 0
          ? `no report in the folder is about ${name}`
          : `the folder's reports about ${name} are for ${others}, not ${image.platform ?? "this"}`;
      return { state: "absent", reason, ...origin, findings: [] };
    },
    resolve: (reference) => {
      const digest = reference.digest ?? digestOf(byTag.get(tagKey(reference)) ?? []);
      const entries = digest === undefined ? undefined : byDigest.get(digest);
      if (digest === undefined || entries === undefined) return undefined;
      let image = resolved.get(digest);
      if (image === undefined) {
        const platforms = platformsOf(entries).map((one) => ({ ...one, digest }));
        image = { digest, fromReports: true, platforms };
        resolved.set(digest, image);
      }
      return image;
    },
    scanByTag: (reference) => {
      if (reference.digest !== undefined) return undefined;
      const entries = (byTag.get(tagKey(reference)) ?? [])
        .filter(({ image }) => image.digests.length === 0)
        .map(({ entry }) => entry);
      if (entries.length === 0) return undefined;
      return {
        platforms: platformsOf(entries).map((one) => ({
          ...one,
          report: choose(fit(entries, one.platform), origin),
        })),
      };
    },
  };
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function tagKey({ registry, repository, tag }: ImageReference): string {
  return `${registry}/${repository}:${tag ?? ""}`;
}

/** What the newest report about a tag says that it names; nothing when that one gives no digest. */
function digestOf(named: readonly { entry: FolderReport; image: ReportedImage }[]): string | undefined {
  const [newest] = named.length === 1 ? named : [...named].sort((a, b) => byAge(a.entry, b.entry));
  return newest?.image.digests[0];
}

/** One for each platform that the reports name; one without a platform when none of them names any. */
function platformsOf(entries: readonly FolderReport[]): { platform?: Platform; createdAt?: string }[] {
  const named = [...new Set(entries.flatMap(({ platform }) => platform ?? []))].sort();
  const platforms = named.length > 0 ? named : [undefined];
  return platforms.map((platform) => {
    const [newest] = fit(entries, platform).sort(byAge);
    const createdAt = newest !== undefined && "parsed" in newest ? newest.parsed.createdAt : undefined;
    return {
      ...(platform === undefined ? {} : { platform }),
      ...(createdAt === undefined ? {} : { createdAt }),
    };
  });
}

/** Those for the platform; where none names it, those that name no platform. Unreadable ones may be about any. */
function fit(entries: readonly FolderReport[], platform: Platform | undefined): FolderReport[] {
  if (platform === undefined) return [...entries];
  const unreadable = entries.filter((entry) => "unreadable" in entry && entry.platform === undefined);
  const parsed = entries.filter((entry) => "parsed" in entry || entry.platform !== undefined);
  const exact = parsed.filter(
    (entry) => entry.platform !== undefined && platformFits(entry.platform, platform),
  );
  const chosen = exact.length > 0 ? exact : parsed.filter((entry) => entry.platform === undefined);
  return [...chosen, ...unreadable];
}

/**
 * The newest scan. A report beside it that could not be read may be newer, so it makes the answer partial; reports of
 * several platforms, for a caller who names none, are all counted and none is taken for the whole.
 */
function choose(
  entries: readonly FolderReport[],
  origin: { source: string; trust: ReportTrust },
): ScanReport {
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && "parsed" in only) return only.parsed.report;
  const parsed = entries.filter((entry) => "parsed" in entry);
  const unreadable = entries.filter((entry) => "unreadable" in entry);
  const problems = unreadable.map(({ file, unreadable: reason }) => oneLine(`${file}: ${reason}`, 300));
  const platforms = [...new Set(parsed.flatMap(({ platform }) => platform ?? []))].sort();
  const newest = [...parsed].sort(byAge)[0]?.parsed.report;
  if (newest === undefined)
    return { state: "failed", reason: problems[0] ?? "no report could be read", ...origin, findings: [] };
  if (platforms.length > 1) {
    problems.unshift(`reports for ${platforms.join(", ")}, and no telling which of them is meant`);
    const each = platforms.flatMap((platform) => fit(parsed, platform).sort(byAge)[0] ?? []);
    const findings = each.flatMap((entry) => ("parsed" in entry ? entry.parsed.report.findings : []));
    return { ...newest, state: "partial", reason: problems.join("; "), findings };
  }
  if (problems.length === 0) return newest;
  const reasons = newest.reason === undefined ? problems : [newest.reason, ...problems];
  return {
    ...newest,
    state: newest.state === "complete" ? "partial" : newest.state,
    reason: reasons.join("; "),
  };
}

/** Newest scan first; at the same time the worse one first, so that the order of the files does not decide. */
function byAge(a: FolderReport, b: FolderReport): number {
  const [x, y] = [rankOf(a), rankOf(b)];
  return (
    y.time - x.time || y.incomplete - x.incomplete || y.findings - x.findings || (a.file < b.file ? -1 : 1)
  );
}

function rankOf(entry: FolderReport): { time: number; incomplete: number; findings: number } {
  if (!("parsed" in entry)) return { time: -1, incomplete: 1, findings: 0 };
  const { scannedAt, state, findings } = entry.parsed.report;
  return {
    time: scannedAt === undefined ? 0 : Date.parse(scannedAt),
    incomplete: state === "complete" ? 0 : 1,
    findings: findings.length,
  };
}
