/** Waits that grow from failure to failure, with full jitter so that many clients do not come back at once. */
export interface Backoff {
  /** The next wait, in milliseconds. At least what the server asked for. */
  next(atLeastMs?: number): number;
  /** After a success the next wait is short again. */
  reset(): void;
}

/** Doubles from `firstMs` up to `longestMs`; each wait is between half and the whole of that. */
export function createBackoff(random: () => number, firstMs = 500, longestMs = 30_000): Backoff {
  let failures = 0;
  return {
    next(atLeastMs = 0) {
      const whole = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 30));
      failures += 1;
      return Math.max(atLeastMs, whole * (0.5 + random() / 2));
    },
    reset() {
      failures = 0;
    },
  };
}
