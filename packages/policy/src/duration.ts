import type { Duration } from "./model.ts";

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const shape = /^(\d{1,6})([mhdw])$/;

/** Milliseconds of a duration such as `14d`; `undefined` when the text is none. */
export function durationMs(text: string): number | undefined {
  const match = shape.exec(text);
  return match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : undefined;
}

/** As `durationMs`, for a duration that the schema has accepted. */
export function knownDurationMs(duration: Duration): number {
  const ms = durationMs(duration);
  if (ms === undefined) throw new RangeError(`"${duration}" is no duration; write a number and m, h, d or w`);
  return ms;
}
