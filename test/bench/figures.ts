/** One measured figure: a ratio against a baseline of the same run, or a size. */
export interface Figure {
  figure: string;
  value: number;
  unit: string;
  /** The baseline's absolute figure, with its unit in words; absent where the figure is a size or a count. */
  baseline?: string;
  /** What we aim at, as in "0.6 or more". */
  aim?: string;
}

/** A benchmark: measures and yields its figures. */
export type Bench = () => AsyncIterable<Figure> | Iterable<Figure>;

/** The median of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The value that `share` (0 to 1) of all do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** To three significant digits: more is noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/**
 * Runs things in alternation and gives each one's times in milliseconds, so that a machine whose speed drifts treats
 * them alike.
 */
export function alternate<Name extends string>(
  runs: Readonly<Record<Name, () => unknown>>,
  rounds: number,
): Record<Name, number[]> {
  const names = Object.keys(runs) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1)
    for (const name of names) {
      const start = performance.now();
      runs[name]();
      times[name].push(performance.now() - start);
    }
  return times;
}
