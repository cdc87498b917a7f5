import type { Instant } from "./finding.ts";

/** Reports name the same moments over and over: a database's date, a release's. */
const known = new Map<Instant, number>();
const most = 20_000;

/** Milliseconds since the epoch of a moment; NaN when the text is none. */
export function momentMs(moment: Instant): number {
  let ms = known.get(moment);
  if (ms === undefined) {
    ms = Date.parse(moment);
    if (known.size >= most) known.clear();
    known.set(moment, ms);
  }
  return ms;
}
