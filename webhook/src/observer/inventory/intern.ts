/** Equal values kept once. */
export interface Interner {
  /** The one frozen value that equals this one as JSON. */
  <T extends object>(value: T): T;
}

/** Values that nobody holds any more are forgotten after this many new ones. */
const sweepEvery = 5_000;

/**
 * Replaces values that are equal as JSON by one of them, so that ten thousand Pods of a few hundred templates hold a
 * few hundred lists of images. Also makes equality cheap to ask: equal values are the same one.
 */
export function createInterner(): Interner {
  const known = new Map<string, WeakRef<object>>();
  let added = 0;
  return <T extends object>(value: T): T => {
    const key = JSON.stringify(value);
    const found = known.get(key)?.deref();
    if (found !== undefined) return found as T;
    if (++added % sweepEvery === 0)
      for (const [old, reference] of known) if (reference.deref() === undefined) known.delete(old);
    Object.freeze(value);
    known.set(key, new WeakRef(value));
    return value;
  };
}
