import * as z from "zod/mini";
import type { Instant } from "./finding.ts";
import type { VexStatement } from "./model.ts";
import type { Problem } from "./problems.ts";

/** What a VEX document comes to. */
export type ParsedVex =
  | {
      ok: true;
      statements: readonly VexStatement[];
      /** Products that cannot be matched to an image or a package. What is said of them changes nothing. */
      unmatched: readonly Problem[];
    }
  | { ok: false; problems: readonly Problem[] };

/** A moment as RFC 3339 writes it, with any offset. */
export const moment = z.iso.datetime({
  offset: true,
  error: "a moment such as 2026-11-22T10:00:00Z",
});

/** A text that says something. */
export const nonEmpty = z.string().check(z.minLength(1, "text that is not empty"));

/** The same moment in UTC, to the millisecond. */
export function instantOf(text: string): Instant {
  return new Date(text).toISOString();
}
