import type { Awaitable } from "@gatehouse/scans";

/** What the API server waits when a webhook configuration says nothing, and what we take when it does not say. */
const defaultSeconds = 10;
/** `timeoutSeconds` of a webhook is 1 to 30 (admissionregistration.k8s.io/v1). */
const longestSeconds = 30;

/**
 * Milliseconds that may pass before the answer must be on its way: the caller's `?timeout`, a Go duration such as
 * `10s` or `1m30s`, less a tenth and at least half a second. Anything else counts as the default of 10 s.
 */
export function budgetMs(timeout: string | undefined): number {
  const given = timeout === undefined ? undefined : goDurationMs(timeout);
  const whole = given === undefined ? defaultSeconds * 1000 : Math.min(given, longestSeconds * 1000);
  return Math.max(0, Math.floor(whole - Math.max(500, whole / 10)));
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function goDurationMs(text: string): number | undefined {
  if (text.length > 32 || !/^(?:\d+(?:\.\d+)?(?:ms|[smh]))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smh])/g)) {
    total += Number(amount) * (units[unit ?? ""] ?? 0);
  }
  return total > 0 ? total : undefined;
}

/** After the signal, for what answers to it: it knows more than "not in time". */
const graceMs = 20;

/** The end of the time for one answer. */
export interface Deadline {
  /** Milliseconds that there were at its beginning. */
  budget: number;
  /** Aborts when time is up. The timer runs once somebody has asked for this: most answers wait for nothing. */
  readonly signal: AbortSignal;
  /**
   * The value, at once where it is there; undefined when it is not there in time: at the deadline or, if that is
   * sooner, after `atMost` milliseconds. What makes it goes on.
   */
  within<T>(value: Awaitable<T>, atMost?: number): Awaitable<T | undefined>;
  /** Stops the timer, once the answer is made. */
  close(): void;
}

/** A deadline `budget` milliseconds from now. */
export function openDeadline(budget: number): Deadline {
  const openedAt = performance.now();
  let controller: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;

  function signal(): AbortSignal {
    if (controller === undefined) {
      const armed = new AbortController();
      const left = budget - (performance.now() - openedAt);
      timer = setTimeout(() => armed.abort(new Error("time is up")), Math.max(0, left));
      controller = armed;
    }
    return controller.signal;
  }

  return {
    budget,
    get signal() {
      return signal();
    },
    within: (value, atMost) => (value instanceof Promise ? waitFor(value, signal(), atMost) : value),
    close: () => clearTimeout(timer),
  };
}

async function waitFor<T>(
  value: Promise<T>,
  signal: AbortSignal,
  atMost: number | undefined,
): Promise<T | undefined> {
  let stop = () => {};
  const tooLate = new Promise<undefined>((resolve) => {
    const giveUp = () => resolve(undefined);
    const aborted = () => setTimeout(giveUp, graceMs);
    const sooner = atMost === undefined ? undefined : setTimeout(giveUp, atMost);
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
    stop = () => {
      clearTimeout(sooner);
      signal.removeEventListener("abort", aborted);
    };
  });
  try {
    return await Promise.race([value, tooLate]);
  } finally {
    stop();
  }
}
