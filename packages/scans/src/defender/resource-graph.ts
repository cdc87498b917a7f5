/**
 * Defender's recommendations in Azure Resource Graph, for the observer: far too slow for an admission. It lists findings
 * and nothing else, so that it can add to what is known of an image, and never says that one is clean.
 */
import { isDigest, type ScanReport } from "@gatehouse/policy";
import { cloudReport } from "../cloud/cloud-report.ts";
import { jsonOf, type CloudAnswer, type CloudCaller } from "../cloud/cloud-call.ts";
import { namedEndpoint } from "../cloud/endpoint.ts";
import type { RawFinding } from "../parse/parsed.ts";
import { asRecord, asText } from "../parse/values.ts";
import { RegistryError } from "../registry/errors.ts";
import type { CloudIdentity } from "../web-identity/cloud-identity.ts";
import { withFresh } from "../web-identity/with-fresh.ts";
import { readRow } from "./resource-graph-row.ts";

/** Whom Azure Resource Graph is asked as, and about what. The endpoint is the identity's resource manager. */
export interface ResourceGraphOptions {
  /** Named in events and messages. */
  name: string;
  call: CloudCaller;
  /** Needs Security Reader where the recommendations are. */
  identity: Extract<CloudIdentity, { cloud: "azure" }>;
  /** Subscriptions that are asked; none: all that the identity may read. */
  subscriptions?: readonly string[] | undefined;
  /** PEM of authorities for the resource manager. */
  ca?: string | undefined;
}

/**
 * Reports by digest, of every digest that was asked: `partial` with findings, `absent` without, `unavailable` where its
 * batch brought no answer. Never complete. Does not reject, except with the signal's reason.
 */
export type ReadResourceGraph = (
  digests: readonly string[],
  signal: AbortSignal,
) => Promise<Map<string, ScanReport>>;

const batchSize = 50;
const pageRows = 1000;
const mostPages = 200;
const apiVersion = "2022-10-01";

/** @throws Error for a resource manager that may not be used. */
export function createResourceGraph(options: ResourceGraphOptions): ReadResourceGraph {
  const { name, call, identity } = options;
  const endpoint = namedEndpoint(identity.resourceManager, "resourceManager", options.ca);
  const url = new URL(`providers/Microsoft.ResourceGraph/resources?api-version=${apiVersion}`, endpoint.base);
  const token = identity.token(`${identity.resourceManager}/.default`);
  const where = endpoint.base.host;

  async function page(
    query: string,
    skipToken: string | undefined,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const body = JSON.stringify({
      query,
      subscriptions: options.subscriptions,
      options: { resultFormat: "objectArray", $top: pageRows, $skipToken: skipToken },
    });
    const send = async (value: string): Promise<CloudAnswer> =>
      await call({
        endpoint,
        signal,
        pace: `resource graph ${where}`,
        rest: quotaRest,
        request: () => ({
          method: "POST",
          url,
          headers: { authorization: `Bearer ${value}`, "content-type": "application/json" },
          body,
        }),
      });
    const answer = await withFresh(token, signal, send, ({ status }) => status === 401);
    if (answer.status === 200) return jsonOf(answer, where);
    const denied = answer.status === 401 || answer.status === 403;
    throw new RegistryError(
      denied ? "denied" : "malformed",
      denied
        ? `${where}: answered ${answer.status}; the identity needs Security Reader where the recommendations are`
        : `${where}: answered ${answer.status} to the query`,
      { status: answer.status },
    );
  }

  async function batch(digests: readonly string[], signal: AbortSignal): Promise<Map<string, ScanReport>> {
    const query = queryFor(digests);
    const findings = new Map<string, RawFinding[]>(digests.map((digest) => [digest, []]));
    const problems: string[] = [];
    const seen = new Set<string>();
    let skipToken: string | undefined;
    for (let read = 0; ; read++) {
      let body: Readonly<Record<string, unknown>>;
      try {
        body = await page(query, skipToken, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (read === 0 || !(error instanceof RegistryError)) throw error;
        problems.push(`page ${read + 1} is missing: ${error.message}`);
        break;
      }
      const rows = body["data"];
      if (!Array.isArray(rows)) problems.push("data: expected a list");
      for (const row of Array.isArray(rows) ? rows : []) {
        const digest = asText(asRecord(row)?.["digest"])?.toLowerCase();
        // A row of another image says nothing of these.
        const list = digest === undefined ? undefined : findings.get(digest);
        if (list === undefined) continue;
        const finding = readRow(row);
        if (finding === undefined) problems.push("a row without the name of a vulnerability");
        else list.push(finding);
      }
      const next = body["$skipToken"];
      if (next === undefined || next === null || next === "") {
        if (String(body["resultTruncated"]) === "true") problems.push("the result was cut off");
        break;
      }
      if (typeof next !== "string" || seen.has(next) || read + 1 >= mostPages) {
        problems.push("the pages do not come to an end");
        break;
      }
      seen.add(next);
      skipToken = next;
    }
    const [problem] = problems;
    return new Map(
      [...findings].map(([digest, list]) => {
        const why =
          "Azure Resource Graph lists findings only, and cannot tell a clean image from one never scanned";
        const reason = problem === undefined ? why : `${why}; ${problem}`;
        const state = list.length === 0 && problem === undefined ? "absent" : "partial";
        return [digest, cloudReport(name, { state, reason, scanner: { name: "MDVM" }, findings: list })];
      }),
    );
  }

  return async (digests, signal) => {
    const asked = [...new Set(digests)].filter(isDigest);
    const reports = new Map<string, ScanReport>();
    for (let at = 0; at < asked.length; at += batchSize) {
      const some = asked.slice(at, at + batchSize);
      try {
        for (const [digest, report] of await batch(some, signal)) reports.set(digest, report);
      } catch (error) {
        signal.throwIfAborted();
        const reason = error instanceof Error ? error.message : "no answer";
        for (const digest of some)
          reports.set(digest, cloudReport(name, { state: "unavailable", reason, findings: [] }));
      }
    }
    return reports;
  };
}

/**
 * The recommendations of the category "SoftwareUpdate", which replaced sub-assessments in 2026. Digests are of hex digits
 * only, so none can end its quotation. No `limit`: it would turn paging off.
 */
function queryFor(digests: readonly string[]): string {
  const list = digests.map((digest) => `"${digest}"`).join(", ");
  return [
    "securityresources",
    '| where type == "microsoft.security/assessments"',
    '| where properties.metadata.recommendationCategory == "SoftwareUpdate"',
    '| where properties.resourceDetails.ResourceType == ".containerimage"',
    "| extend image = parse_json(tostring(properties.resourceAdditionalData))",
    "| extend digest = tostring(image.Digest)",
    `| where digest in (${list})`,
    "| extend cves = parse_json(tostring(properties.additionalData.CvesDetails))",
    "| mv-expand cve = cves",
    "| project id, digest, cve, software = properties.additionalData",
    "| order by id asc, tostring(cve.CveId) asc",
  ].join("\n");
}

/** How long to leave it alone when its quota is used up: `x-ms-user-quota-resets-after` is hh:mm:ss. */
function quotaRest({ headers }: CloudAnswer): number | undefined {
  if (headers.get("x-ms-user-quota-remaining") !== "0") return undefined;
  const [, hours, minutes, seconds] =
    /^(\d\d):(\d\d):(\d\d)$/.exec(headers.get("x-ms-user-quota-resets-after") ?? "") ?? [];
  if (hours === undefined) return 5000;
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}
