/** What was asked of judges and what their standard output says of it, one ledger for each start of a judge. */
import { nameOf } from "./receiver.ts";

/** One judge from its start to its end. */
export interface Ledger {
  /** Requests that it has answered, and requests whose connection broke: it may have decided those or not. */
  readonly answered: Set<string>;
  readonly broken: Set<string>;
  /** Requests that ask for a line never: dry runs. */
  readonly silent: Set<string>;
  /** Lines, as they came. */
  readonly lines: {
    readonly name: string;
    readonly id: string;
    readonly key: string;
    readonly count: number;
  }[];
}

export function createLedger(): Ledger {
  return { answered: new Set(), broken: new Set(), silent: new Set(), lines: [] };
}

/** Takes one line of a judge's standard output. */
export function note(ledger: Ledger, text: string): void {
  const event = JSON.parse(text) as { source: string; id: string; data: { key: string; count: number } };
  const { key, count } = event.data;
  ledger.lines.push({ name: nameOf(event), id: event.id, key, count });
}

/** What of a judge's lines is not as promised; all empty when everything is. */
export interface Faults {
  /** Requests that were answered and of which no line tells. */
  readonly untold: readonly string[];
  /** Requests of which more than one line tells. */
  readonly twice: readonly string[];
  /** Requests of which a line tells although none was asked for. */
  readonly unasked: readonly string[];
  /** Keys whose counts are not 1, 2, 3 and so on, in this order. */
  readonly miscounted: readonly string[];
}

/** Holds a judge's lines against what it was asked. */
export function faultsOf({ answered, broken, silent, lines }: Ledger): Faults {
  const told = new Set<string>();
  const counts = new Map<string, number>();
  const twice: string[] = [];
  const miscounted: string[] = [];
  for (const { id, key, count } of lines) {
    if (told.has(id)) twice.push(id);
    told.add(id);
    const expected = (counts.get(key) ?? 0) + 1;
    if (count !== expected) miscounted.push(`${key}: ${count} where ${expected} was to come`);
    counts.set(key, count);
  }
  return {
    untold: [...answered].filter((id) => !told.has(id) && !silent.has(id)),
    twice,
    unasked: [...told].filter((id) => silent.has(id) || !(answered.has(id) || broken.has(id))),
    miscounted,
  };
}
