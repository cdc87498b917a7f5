import { RegistryError } from "../registry/errors.ts";
import type { Json } from "./api.ts";

/** More than any image has; a token that never ends must not become a loop. */
const mostPages = 200;

/** Pages that were read, and why the rest is missing, if it is. */
export interface Pages {
  pages: readonly Json[];
  /** One line. */
  missing?: string;
}

/**
 * Reads page after page until there is no `nextToken`. The first page must come; a later one that does not makes the
 * whole a part.
 */
export async function readPages(
  ask: (nextToken: string | undefined) => Promise<Json>,
  what: string,
): Promise<Pages> {
  const pages: Json[] = [];
  const seen = new Set<string>();
  let token: string | undefined;
  for (;;) {
    try {
      pages.push(await ask(token));
    } catch (error) {
      if (pages.length === 0 || !(error instanceof RegistryError)) throw error;
      return { pages, missing: `page ${pages.length + 1} of ${what} is missing: ${error.message}` };
    }
    const next = pages.at(-1)?.["nextToken"];
    if (next === undefined || next === null || next === "") return { pages };
    if (typeof next !== "string" || seen.has(next))
      return { pages, missing: `${what}: the pages do not come to an end` };
    if (pages.length >= mostPages) return { pages, missing: `${what}: more than ${mostPages} pages` };
    seen.add(next);
    token = next;
  }
}
