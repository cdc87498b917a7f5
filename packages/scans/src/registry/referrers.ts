import type { LimitFunction } from "p-limit";
import { readBody } from "./body.ts";
import { RegistryError } from "./errors.ts";
import { parseManifest, type Descriptor, type ImageIndex, type ImageManifest } from "./manifest.ts";

/** What is attached to a digest. */
export interface ReferrerList {
  descriptors: readonly Descriptor[];
  /** False when there was more than is read: what is missing may be what counts. */
  whole: boolean;
}

const pageLimit = 4 * 1024 * 1024;
const maxPages = 20;
const maxDescriptors = 1000;

/**
 * The referrers API of the distribution specification 1.1, page by page, and where a registry has no such API the
 * index under the fallback tag. A registry that did not filter (`OCI-Filters-Applied`) is filtered here, as far as
 * its descriptors say what they are: an entry without an artifact type stays, for its manifest has the last word.
 */
export async function readReferrers(options: {
  start: URL;
  where: string;
  artifactType: string | undefined;
  get: (url: URL) => Promise<Response>;
  /** The turns in which large answers are read. */
  large: LimitFunction;
  /** The manifest under the fallback tag; rejects `not-found` when there is none. */
  fallback: () => Promise<ImageManifest | ImageIndex>;
}): Promise<ReferrerList> {
  const { start, where, artifactType } = options;
  const wanted = ({ artifactType: type }: Descriptor): boolean =>
    artifactType === undefined || type === undefined || type === artifactType;
  const descriptors: Descriptor[] = [];
  let next: URL | undefined = new URL(start);
  if (artifactType !== undefined) next.searchParams.set("artifactType", artifactType);
  for (let page = 0; next !== undefined; page++) {
    if (page >= maxPages || descriptors.length > maxDescriptors) return { descriptors, whole: false };
    let response: Response;
    try {
      response = await options.get(next);
    } catch (error) {
      if (page > 0 || !isNotFound(error)) throw error;
      return await readFallback(options.fallback, wanted);
    }
    const bytes = await readBody(response, pageLimit, `${where}: referrers`, options.large);
    const index = parseManifest(bytes, response.headers.get("content-type") ?? "", `${where}: referrers`);
    if (index.kind !== "index")
      throw new RegistryError("malformed", `${where}: its referrers are not an index`);
    const filtered = /(?:^|,)\s*artifactType\s*(?:,|$)/.test(
      response.headers.get("oci-filters-applied") ?? "",
    );
    descriptors.push(...(filtered ? index.manifests : index.manifests.filter(wanted)));
    next = nextPage(response.headers.get("link"), next, start, where);
  }
  return { descriptors, whole: true };
}

async function readFallback(
  fallback: () => Promise<ImageManifest | ImageIndex>,
  wanted: (descriptor: Descriptor) => boolean,
): Promise<ReferrerList> {
  try {
    const index = await fallback();
    if (index.kind === "index") return { descriptors: index.manifests.filter(wanted), whole: true };
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return { descriptors: [], whole: true };
}

function isNotFound(error: unknown): boolean {
  return error instanceof RegistryError && error.code === "not-found";
}

/** The next page of a `Link` header (RFC 8288): the same path of the same registry, or it is refused. */
function nextPage(header: string | null, current: URL, start: URL, where: string): URL | undefined {
  if (header === null) return undefined;
  const target = header
    .split(/,(?=\s*<)/)
    .map((link) => /^\s*<([^>]*)>((?:\s*;[^;]*)*)$/.exec(link))
    .find((link) => link !== null && /;\s*rel\s*=\s*"?next"?\s*(?:;|$)/i.test(link[2] ?? ""))?.[1];
  if (target === undefined) return undefined;
  const url = URL.canParse(target, current.href) ? new URL(target, current) : undefined;
  if (url === undefined || url.origin !== start.origin || url.pathname !== start.pathname)
    throw new RegistryError("refused", `${where}: the next page of its referrers is somewhere else`);
  return url;
}
