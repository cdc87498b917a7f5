const bareDate = /^(\d{4})-(\d{2})-(\d{2})$/;
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/**
 * The moment (milliseconds since the epoch) at which something that is good "until" `text` has ended. A bare date is
 * good through its last second, UTC. `undefined` when the text is neither a date of the calendar nor RFC 3339.
 */
export function endOf(text: string): number | undefined {
  const date = bareDate.exec(text);
  if (date) {
    const [year, month, day] = [Number(date[1]), Number(date[2]), Number(date[3])];
    const start = new Date(Date.UTC(year, month - 1, day));
    const real = start.getUTCMonth() === month - 1 && start.getUTCDate() === day;
    return real ? Date.UTC(year, month - 1, day + 1) : undefined;
  }
  if (!instant.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

const dayMs = 86_400_000;

/** Whole days from `now` until `end`; negative once it has passed. */
export function daysUntil(end: number, now: number): number {
  return Math.floor((end - now) / dayMs);
}
