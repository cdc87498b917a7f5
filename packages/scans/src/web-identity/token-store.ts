/** A credential of limited life, as the exchange gave it. */
export interface Issued<T> {
  value: T;
  /** Milliseconds that it lives from when it was asked for. */
  lifeMs: number;
}

/** Holds one credential for each key, and renews it before it ends. */
export interface TokenStore<T> {
  /** Rejects with what the exchange threw, when there is none that still lives. */
  get(key: string, signal: AbortSignal): Promise<T>;
  /** A cloud has called this value expired: the next `get` asks for another. Another value is left alone. */
  expired(key: string, value: T): void;
}

/** How a credential is had, and by which clock it ages. */
export interface TokenStoreOptions<T> {
  /**
   * Exchanges anew: once for each key at a time, whoever asks. The signal is the exchange's own, never a caller's.
   */
  issue: (key: string, signal: AbortSignal) => Promise<Issued<T>>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 to 1: replicas must not all renew at the same moment. @default Math.random */
  random?: (() => number) | undefined;
  /** Longest that one exchange may take. @default 20000 */
  budgetMs?: number | undefined;
}

interface Held<T> {
  value: T;
  renewAt: number;
  endsAt: number;
}

/** Keys that are kept: scopes, regions and hosts. */
const keptKeys = 500;
/** How soon a renewal is tried again that failed while the old credential still lives. */
const retryMs = 10_000;

/**
 * Renewal begins at 70 to 85 % of a life, behind the answer. The last tenth (at most 30 s) is never used, so that no
 * request carries a credential that ends under way. All times are distances on this machine's clock: that it is wrong
 * does not matter, and when it jumps back the credential is asked for again.
 */
export function createTokenStore<T>(options: TokenStoreOptions<T>): TokenStore<T> {
  const { now } = options;
  const random = options.random ?? Math.random;
  const held = new Map<string, Held<T> & { since: number }>();
  const underWay = new Map<string, Promise<T>>();

  async function exchange(key: string): Promise<T> {
    const since = now();
    const { value, lifeMs } = await options.issue(key, AbortSignal.timeout(options.budgetMs ?? 20_000));
    if (held.size >= keptKeys) held.clear();
    held.set(key, {
      value,
      since,
      renewAt: since + lifeMs * (0.7 + 0.15 * random()),
      endsAt: since + lifeMs - Math.min(30_000, lifeMs / 10),
    });
    return value;
  }

  function start(key: string): Promise<T> {
    const running = underWay.get(key);
    if (running !== undefined) return running;
    const work = exchange(key).finally(() => underWay.delete(key));
    underWay.set(key, work);
    return work;
  }

  return {
    async get(key, signal) {
      signal.throwIfAborted();
      const one = held.get(key);
      const at = now();
      if (one === undefined || at >= one.endsAt || at < one.since) return await start(key);
      if (at >= one.renewAt) {
        one.renewAt = at + retryMs;
        // What it holds still lives; the next caller after its end meets the error.
        start(key).catch(() => undefined);
      }
      return one.value;
    },
    expired(key, value) {
      if (held.get(key)?.value === value) held.delete(key);
    },
  };
}
