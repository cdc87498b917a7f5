/**
 * Scan reports that are attached to an image as OCI referrers.
 * @module
 */
import { oneLine, parseVex, vexIndex, type ScanReport, type VexStatement } from "@gatehouse/policy";
import { parseReport } from "../parse/report.ts";
import type { ParsedReport } from "../parse/parsed.ts";
import { readStatement } from "../parse/statement.ts";
import { RegistryError } from "../registry/errors.ts";
import { isNamedHost } from "../registry/hosts.ts";
import type { Registries } from "../registry/registries.ts";
import type { ImageIdentity, ScanSource } from "../source.ts";
import { readAttached } from "./attached.ts";
import type { TrustedIdentities } from "./trust/load-trust.ts";
import { vouch, type Vouched } from "./vouch.ts";

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
}

/**
 * Reads the reports attached to an image's own digest. A report counts when its manifest's subject is that image, its
 * Statement (where it is one) names that digest, and an identity that the source trusts has signed it. The newest
 * scan wins.
 */
export function referrerSource(options: ReferrerSourceOptions): ScanSource {
  const { name } = options;
  const bare = (state: ScanReport["state"], reason: string): ScanReport => ({
    state,
    reason: oneLine(reason, 300),
    source: name,
    trust: { kind: "source" },
    findings: [],
  });

  async function read(image: ImageIdentity, signal: AbortSignal): Promise<ScanReport> {
    const client = options.clients.client(image.registry);
    const { repository, digest } = image;
    const { documents, missing } = await readAttached(client, repository, digest, signal);
    const reports: ParsedReport[] = [];
    const statements: VexStatement[] = [];
    const problems: string[] = [];
    let unreadVex = false;
    const vouchings = await Promise.all(
      documents.map((attached) => vouch({ ...options, client, repository, attached, signal })),
    );
    for (const vouching of vouchings) {
      if ("problem" in vouching) {
        problems.push(vouching.problem);
        continue;
      }
      const outcome = understand(vouching.vouched, image, name);
      if ("report" in outcome) reports.push(outcome.report);
      else if ("vex" in outcome) statements.push(...outcome.vex);
      else if ("unreadVex" in outcome) unreadVex = true;
      else if (outcome.problem !== undefined) problems.push(outcome.problem);
    }
    const newest = reports.sort(newestFirst)[0]?.report;
    if (newest === undefined) {
      if (missing !== undefined) return bare("partial", missing);
      const [problem] = problems;
      if (problem === undefined) return bare("absent", "no scan report is attached to it");
      const count = problems.length === 1 ? "a report is" : `${problems.length} reports are`;
      return bare("absent", `${count} attached, but none that counts: ${problem}`);
    }
    // A VEX document that cannot be read may revoke one that can.
    const judged = unreadVex ? newest : withoutRuledOut(newest, statements, image);
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

type Understood =
  | { report: ParsedReport }
  | { unreadVex: true }
  | { vex: readonly VexStatement[] }
  | { problem: string | undefined };

/** Reads a document that counts as a report or VEX about this image. Other Statements, such as provenance, are neither. */
function understand(
  { document, trust, selfContained }: Vouched,
  image: ImageIdentity,
  source: string,
): Understood {
  const statement = readStatement(document);
  const subjects = statement?.subjects.flatMap(({ digests }) => digests);
  if (statement !== undefined && subjects?.includes(image.digest) !== true)
    return { problem: "its Statement is about another image" };
  const parsed = parseReport(document, { source, trust });
  if (parsed.kind === "report") {
    if (selfContained && !parsed.images.some(({ digests }) => digests.includes(image.digest)))
      return { problem: "what is signed does not say that it is about this image" };
    return { report: parsed };
  }
  if (trust.kind !== "signed" || (selfContained && statement === undefined)) return { problem: undefined };
  const vex = parseVex(statement === undefined ? document : statement.predicate, [image.digest]);
  if (vex.ok) return { vex: vex.statements };
  return statement?.predicateType.startsWith("https://openvex.dev/") === true
    ? { unreadVex: true }
    : { problem: undefined };
}

/** By the end of the scan; one that does not say it is older than all that do. */
function newestFirst(a: ParsedReport, b: ParsedReport): number {
  const time = ({ report: { scannedAt } }: ParsedReport): number =>
    scannedAt === undefined ? -Infinity : Date.parse(scannedAt);
  const [first, second] = [time(a), time(b)];
  // Between equals the one that says more against the image.
  return first === second ? b.report.findings.length - a.report.findings.length : second - first;
}

/** Takes out the findings that a signed VEX document says the image is not affected by. */
function withoutRuledOut(
  report: ScanReport,
  statements: readonly VexStatement[],
  image: ImageIdentity,
): ScanReport {
  if (statements.length === 0) return report;
  const find = vexIndex(statements);
  const { registry, repository, digest } = image;
  const reference = { registry, repository, digest, original: `${registry}/${repository}@${digest}` };
  const ruledOut = [...(report.ruledOut ?? [])];
  const findings = report.findings.filter((finding) => {
    const statement = find(finding, { reference, digest, platformDigest: digest });
    if (statement === undefined) return true;
    ruledOut.push({ id: finding.id, reason: `VEX ${statement.document}: ${statement.status}` });
    return false;
  });
  return findings.length === report.findings.length ? report : { ...report, findings, ruledOut };
}
