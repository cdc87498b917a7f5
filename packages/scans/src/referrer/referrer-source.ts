/**
 * Scan reports that are attached to an image as OCI referrers.
 * @module
 */
import { oneLine, parseVex, vexIndex, type ScanReport, type VexStatement } from "@gatehouse/policy";
import pLimit from "p-limit";
import { parseReport } from "../parse/report.ts";
import type { ParsedReport } from "../parse/parsed.ts";
import { readStatement } from "../parse/statement.ts";
import { RegistryError } from "../registry/errors.ts";
import { isNamedHost } from "../registry/hosts.ts";
import type { Registries } from "../registry/registries.ts";
import { platformFits } from "../platforms.ts";
import type { ImageIdentity, ScanSource } from "../source.ts";
import { readAttached } from "./attached.ts";
import { newestReport } from "./newest-report.ts";
import type { TrustedIdentities } from "./trust/load-trust.ts";
import { vouch, type Vouched } from "./vouch.ts";

/** What a source over referrers is given. */
export interface ReferrerSourceOptions {
  /** Named in events and messages. */
  name: string;
  /** Host patterns that it answers for. */
  registries: readonly string[];
  clients: Registries;
  trusted: TrustedIdentities;
  /** Takes reports that nobody signed. VEX is never taken unsigned. */
  allowUnsigned: boolean;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Further terms on a report that counts: gives what it is worth, or nothing when it is not of this source. */
  judge?:
    | ((
        report: ParsedReport,
        document: unknown,
        annotations: Readonly<Record<string, string>>,
      ) => ParsedReport | undefined)
    | undefined;
}

/**
 * Reads the reports attached to an image, or to the index that it stands in. A report counts when its manifest's subject
 * is that digest, its Statement (where it is one) names it, and an identity that the source trusts has signed it. The
 * newest scan wins; see `newestReport`.
 */
export function referrerSource(options: ReferrerSourceOptions): ScanSource {
  const { name } = options;
  const large = pLimit(3);
  const bare = (state: ScanReport["state"], reason: string): ScanReport => ({
    state,
    reason: oneLine(reason, 300),
    source: name,
    trust: { kind: "source" },
    findings: [],
  });

  /** Everything that counts and is attached to `about`: the image itself, or the index it stands in. */
  async function collect(
    image: ImageIdentity,
    about: string,
    found: Found,
    signal: AbortSignal,
  ): Promise<void> {
    const client = options.clients.client(image.registry);
    const { repository } = image;
    const missing = await readAttached(
      { client, repository, digest: about, large, signal },
      async (attached) => {
        const vouching = await vouch({ ...options, client, repository, attached, signal });
        if ("missing" in vouching) {
          found.missing ??= vouching.missing;
          return;
        }
        const outcome = "problem" in vouching ? vouching : understand(vouching.vouched, image, about, name);
        if ("report" in outcome) {
          const { judge = (report: ParsedReport) => report } = options;
          const document = "vouched" in vouching ? vouching.vouched.document : undefined;
          const judged = judge(outcome.report, document, attached.annotations);
          if (judged !== undefined) found.reports.push(judged);
        }
        if ("vex" in outcome) found.statements.push(...outcome.vex);
        else if ("unreadVex" in outcome) found.unreadVex = true;
        else if ("problem" in outcome && outcome.problem !== undefined) found.problems.push(outcome.problem);
      },
    );
    found.missing ??= missing;
  }

  async function read(image: ImageIdentity, signal: AbortSignal): Promise<ScanReport> {
    const { digest, indexDigest = digest } = image;
    const found: Found = { reports: [], statements: [], problems: [], unreadVex: false };
    await Promise.all(
      [...new Set([digest, indexDigest])].map((about) => collect(image, about, found, signal)),
    );
    const { problems, missing } = found;
    const newest = newestReport(found.reports);
    if (newest === undefined) {
      if (missing !== undefined) return bare("partial", missing);
      const [problem] = problems;
      if (problem === undefined) return bare("absent", "no scan report is attached to it");
      const count = problems.length === 1 ? "a report is" : `${problems.length} reports are`;
      return bare("absent", `${count} attached, but none that counts: ${problem}`);
    }
    // A VEX document that cannot be read may revoke one that can.
    const judged = found.unreadVex ? newest : withoutRuledOut(newest, found.statements, image);
    // What could not be read may be newer than the newest that was.
    if (missing === undefined || judged.state !== "complete") return judged;
    return { ...judged, state: "partial", reason: oneLine(missing, 300) };
  }

  return {
    name,
    covers: ({ registry }) => isNamedHost(options.registries, registry),
    async report(image, signal) {
      try {
        return await read(image, signal);
      } catch (error) {
        const gone = error instanceof RegistryError && error.code === "not-found";
        return bare(gone ? "absent" : "unavailable", error instanceof Error ? error.message : "no answer");
      }
    },
  };
}

interface Found {
  reports: ParsedReport[];
  statements: VexStatement[];
  /** Why attached reports do not count. */
  problems: string[];
  /** Why something may be missing that counts. */
  missing?: string | undefined;
  unreadVex: boolean;
}

type Understood =
  | { report: ParsedReport }
  | { unreadVex: true }
  | { vex: readonly VexStatement[] }
  | { problem: string | undefined };

/**
 * Reads a document that counts as a report or VEX about this image; other Statements, such as provenance, are neither.
 * One that is about the index counts only for the platform that it says it is of.
 */
function understand(
  { document, trust, selfContained }: Vouched,
  image: ImageIdentity,
  about: string,
  source: string,
): Understood {
  const statement = readStatement(document);
  const subjects = statement?.subjects.flatMap(({ digests }) => digests);
  const names = (digest: string): boolean => subjects?.includes(digest) === true;
  if (statement !== undefined && !names(image.digest) && !names(about))
    return { problem: "its Statement is about another image" };
  const parsed = parseReport(document, { source, trust });
  if (parsed.kind === "report") {
    if (selfContained && statement === undefined)
      return { problem: "what is signed does not say that it is about this image" };
    if (about === image.digest || names(image.digest)) return { report: parsed };
    const { platform } = parsed;
    if (image.ambiguous === true)
      return { problem: "it is about an index in which several images are for one platform" };
    if (platform === undefined || image.platform === undefined)
      return { problem: "it is about all platforms together and does not say which one was scanned" };
    return platformFits(image.platform, platform) ? { report: parsed } : { problem: undefined };
  }
  if (trust.kind !== "signed" || (selfContained && statement === undefined)) return { problem: undefined };
  const vex = parseVex(statement === undefined ? document : statement.predicate, [about]);
  if (vex.ok) return { vex: vex.statements };
  return statement?.predicateType.startsWith("https://openvex.dev/") === true
    ? { unreadVex: true }
    : { problem: undefined };
}

/** Takes out the findings that a signed VEX document says the image is not affected by. */
function withoutRuledOut(
  report: ScanReport,
  statements: readonly VexStatement[],
  image: ImageIdentity,
): ScanReport {
  if (statements.length === 0) return report;
  const find = vexIndex(statements);
  const { registry, repository, digest, indexDigest = digest } = image;
  const reference = { registry, repository, digest, original: `${registry}/${repository}@${digest}` };
  const ruledOut = [...(report.ruledOut ?? [])];
  const findings = report.findings.filter((finding) => {
    const statement = find(finding, { reference, digest: indexDigest, platformDigest: digest });
    if (statement === undefined) return true;
    ruledOut.push({ id: finding.id, reason: `VEX ${statement.document}: ${statement.status}` });
    return false;
  });
  return findings.length === report.findings.length ? report : { ...report, findings, ruledOut };
}
