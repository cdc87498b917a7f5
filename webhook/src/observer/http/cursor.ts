/** Where a reader of events stands: a position that is good for one process of the observer. */

/** A position to go on from. */
export interface Cursor {
  position: number;
  /** It was another process's, whose events are gone. */
  missed: boolean;
}

/** As readers are given it. */
export function cursorAt(position: number, epoch: string): string {
  return `${epoch}.${position}`;
}

/** Reads it back; from the beginning when there is none. Undefined for what is no cursor. */
export function parseCursor(text: string | undefined, { epoch }: { epoch: string }): Cursor | undefined {
  if (text === undefined || text === "") return { position: 0, missed: false };
  const match = /^([a-z0-9]{1,32})\.(\d{1,15})$/.exec(text);
  if (match === null) return undefined;
  return match[1] === epoch ? { position: Number(match[2]), missed: false } : { position: 0, missed: true };
}
