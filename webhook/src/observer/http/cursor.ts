/**
 * Where a reader of events stands. Positions count the events of all namespaces, so readers are given them sealed: two
 * cursors tell nobody what lies between them, nor whether anything does.
 */
import { createSeal } from "./seal.ts";

/** A position to go on from. */
export interface Cursor {
  position: number;
  /** It was another process's, whose events are gone. */
  missed: boolean;
}

/** Positions as texts, for readers that come back. */
export interface Cursors {
  /** As readers are given it; another text of the same length each time. */
  at(position: number): string;
  /** Reads it back; from the beginning when there is none. Undefined for what is no cursor. */
  read(text: string | undefined): Cursor | undefined;
}

/** As long as the largest position. */
const digits = 16;

/** Cursors that are good for one process. */
export function createCursors(): Cursors {
  const seal = createSeal();
  return {
    at: (position) => seal.close(String(position).padStart(digits, "0")),
    read(text) {
      if (text === undefined || text === "") return { position: 0, missed: false };
      const opened = seal.open(text);
      if (opened === false) return undefined;
      return opened === undefined
        ? { position: 0, missed: true }
        : { position: Number(opened), missed: false };
    },
  };
}
