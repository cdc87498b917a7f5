/** How much of a budget may be gone when work that shares it begins. */
const shareGone = 0.1;

/**
 * Signals that fire when work has gone on for long enough, `budgetMs` after its beginning or up to a tenth earlier: work
 * that begins at about the same time shares one, since a timer for each look-up costs more than most look-ups.
 *
 * @param clock milliseconds of a clock that never goes back
 */
export function sharedBudget(budgetMs: number, clock: () => number): () => AbortSignal {
  let signal: AbortSignal | undefined;
  let since = 0;
  return () => {
    const at = clock();
    if (signal === undefined || !(at - since < budgetMs * shareGone)) {
      signal = AbortSignal.timeout(budgetMs);
      since = at;
    }
    return signal;
  };
}
