/** Options that several commands share. */
import { endOf } from "@gatehouse/policy";

/** Milliseconds since 1970 of an instant, or of the beginning of a date. @throws Error when it is neither */
export function readInstant(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;
  const ms = endOf(at);
  if (ms === undefined)
    throw new Error(
      `expected a date or an instant such as 2026-11-22T10:00:00Z, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  return ms;
}
