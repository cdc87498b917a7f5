/** Words, times and tones that several pages share. */
import type { Mode, Outcome } from "@gatehouse/policy";
import type { Cell, Tone } from "./table.ts";

/** What is said of an outcome by somebody who looks at a cluster in this mode. */
export function outcomeCell(outcome: Outcome | undefined, mode: Mode): Cell {
  if (outcome === undefined) return { text: "not known yet", tone: "quiet" };
  return { text: outcomeText(outcome, mode), tone: outcome satisfies Tone };
}

function outcomeText(outcome: Outcome, mode: Mode): string {
  if (outcome === "allow") return "admitted";
  if (outcome === "audit") return "audited";
  return mode === "deny" ? "denied" : "would be denied";
}

/** A length of time in words, from milliseconds. */
export function lengthOf(ms: number): string {
  const minutes = Math.floor(Math.abs(ms) / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return plural(minutes, "minute");
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? plural(hours, "hour") : plural(Math.floor(hours / 24), "day");
}

/** How long ago a moment was. */
export function ago(moment: number, now: number): string {
  if (Number.isNaN(moment)) return "";
  return moment > now + 60_000 ? `in ${lengthOf(moment - now)}` : `${lengthOf(now - moment)} ago`;
}

/** `2026-11-22 12:00:00` in UTC, from RFC 3339; what is no time stays as it is. */
export function moment(text: string): string {
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

/** `1 day`, `2 days`. */
export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

/** The first few of a list, and how many more there are. */
export function few(all: readonly string[], most = 3): string {
  return all.length <= most
    ? all.join(", ")
    : `${all.slice(0, most).join(", ")} and ${all.length - most} more`;
}
