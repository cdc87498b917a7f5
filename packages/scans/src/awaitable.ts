/**
 * A value that is there, or a promise of it. What a cache holds is answered at once, without a turn of the event loop:
 * most admissions ask about images whose scans are held, and a promise for each answer costs more than the answer.
 * Functions over them are written once, and are as synchronous as what they are given.
 */
export type Awaitable<T> = T | Promise<T>;

/** What `make` makes of a value: at once where that is there. What it throws is thrown, or rejects, likewise. */
export function andThen<T, U>(value: Awaitable<T>, make: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(make) : make(value);
}

/** All of several values, in their order. */
export function allOf<T>(values: readonly Awaitable<T>[]): Awaitable<T[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as T[]);
}

/** What `run` gives, or what `otherwise` makes of its failure, whether it throws or rejects. */
export function orElse<T>(
  run: () => Awaitable<T>,
  otherwise: (error: unknown) => Awaitable<T>,
): Awaitable<T> {
  try {
    const value = run();
    return value instanceof Promise ? value.catch(otherwise) : value;
  } catch (error) {
    return otherwise(error);
  }
}
