/**
 * Container Analysis: lists of occurrences
 * (https://cloud.google.com/artifact-analysis/docs/reference/rest/v1/projects.occurrences/list).
 */
import { jsonOf, type CloudAnswer, type CloudCaller } from "../cloud/cloud-call.ts";
import { endpointOf } from "../cloud/endpoint.ts";
import { asTexts } from "../parse/values.ts";
import { RegistryError } from "../registry/errors.ts";
import type { Held } from "../web-identity/cloud-identity.ts";
import { withFresh } from "../web-identity/with-fresh.ts";
import type { AnalysedImage } from "./image.ts";

/** How Container Analysis is asked, and as whom. */
export interface OccurrencesOptions {
  call: CloudCaller;
  /** An OAuth access token; after a 401 it is called expired, and the page is asked for once more. */
  token: Held<string>;
  /** Named endpoint, instead of Google's own. */
  endpoint?: string | undefined;
  /** PEM of authorities for the named endpoint. */
  ca?: string | undefined;
  /** Asks the endpoint and parent of the image's own location. @default false */
  regional?: boolean | undefined;
}

/** All occurrences of one kind. `missing` says in one line why they are not all, if they are not. */
export type ListOccurrences = (
  kind: "VULNERABILITY" | "DISCOVERY",
  image: AnalysedImage,
  signal: AbortSignal,
) => Promise<{ occurrences: readonly unknown[]; missing?: string }>;

const pageSize = 1000;
const mostPages = 100;

/** @throws Error for an endpoint that may not be used. */
export function createListOccurrences(options: OccurrencesOptions): ListOccurrences {
  const { call, token, ca } = options;
  endpointOf(options.endpoint, "containerAnalysisEndpoint", "unused.example", ca);

  return async (kind, image, signal) => {
    const { project, location, resourceUrl } = image;
    const own =
      options.regional === true
        ? `containeranalysis.${location}.rep.googleapis.com`
        : "containeranalysis.googleapis.com";
    const endpoint = endpointOf(options.endpoint, "containerAnalysisEndpoint", own, ca);
    const parent =
      options.regional === true ? `projects/${project}/locations/${location}` : `projects/${project}`;
    const where = endpoint.base.host;

    const page = async (pageToken: string | undefined): Promise<Readonly<Record<string, unknown>>> => {
      const url = new URL(`v1/${parent}/occurrences`, endpoint.base);
      url.searchParams.set("filter", `kind="${kind}" AND resourceUrl="${resourceUrl}"`);
      url.searchParams.set("pageSize", String(pageSize));
      url.searchParams.set("returnPartialSuccess", "true");
      if (pageToken !== undefined) url.searchParams.set("pageToken", pageToken);
      const send = async (value: string): Promise<CloudAnswer> =>
        await call({
          endpoint,
          signal,
          pace: `containeranalysis ${project} ${where}`,
          request: () => ({
            method: "GET",
            url,
            headers: { authorization: `Bearer ${value}`, accept: "application/json" },
          }),
        });
      const answer = await withFresh(token, signal, send, ({ status }) => status === 401);
      if (answer.status === 200) return jsonOf(answer, where);
      const denied = answer.status === 401 || answer.status === 403;
      throw new RegistryError(
        denied ? "denied" : "malformed",
        denied
          ? `${where}: answered ${answer.status}; the gate needs roles/containeranalysis.occurrences.viewer in the project ${project}, and the API must be enabled there`
          : `${where}: answered ${answer.status} for ${parent}`,
        { status: answer.status },
      );
    };

    const occurrences: unknown[] = [];
    const seen = new Set<string>();
    const what = kind.toLowerCase();
    let missing: string | undefined;
    let next: string | undefined;
    for (let read = 0; ; read++) {
      let body: Readonly<Record<string, unknown>>;
      try {
        body = await page(next);
      } catch (error) {
        if (read === 0 || !(error instanceof RegistryError)) throw error;
        missing = `page ${read + 1} of the ${what} occurrences is missing: ${error.message}`;
        break;
      }
      const list = body["occurrences"];
      if (Array.isArray(list)) occurrences.push(...list);
      // Google leaves out an empty list.
      else if (list !== undefined && list !== null) missing = `${what} occurrences: expected a list`;
      const unreachable = body["unreachable"] ?? [];
      if (!Array.isArray(unreachable)) missing = "unreachable: expected a list";
      else if (unreachable.length > 0)
        missing = `Container Analysis could not reach ${asTexts(unreachable).join(", ") || "all places"}`;
      const following = body["nextPageToken"];
      if (following === undefined || following === null || following === "") break;
      if (typeof following !== "string" || seen.has(following) || read + 1 >= mostPages) {
        missing = `${what} occurrences: the pages do not come to an end`;
        break;
      }
      seen.add(following);
      next = following;
    }
    return missing === undefined ? { occurrences } : { occurrences, missing };
  };
}
