const bareDate = /^\d{4}-\d{2}-\d{2}$/;
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/**
 * The moment (milliseconds since the epoch) at which something that is good "until" `text` has ended. A bare date is
 * good through its last second, UTC. `undefined` when the text is neither a date of the calendar nor RFC 3339.
 */
export function endOf(text: string): number | undefined {
  // Of a day that its month lacks the parser makes one of the next month.
  const midnight = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== text.slice(0, 10))
    return undefined;
  if (bareDate.test(text)) return midnight + dayMs;
  if (!instant.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

const dayMs = 86_400_000;

/** Whole days from `now` until `end`; negative once it has passed. */
export function daysUntil(end: number, now: number): number {
  return Math.floor((end - now) / dayMs);
}
