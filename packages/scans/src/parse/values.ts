/**
 * Reading JSON that other programs wrote: every function takes anything and throws for nothing.
 */
import { oneLine } from "@gatehouse/policy";
import type { Instant } from "@gatehouse/policy";

/** `value` as an object with string keys, when it is one. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** `value` as a text that says something. */
export function asText(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

/** The texts in a list; anything else in it is left out. */
export function asTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => asText(item) !== undefined) : [];
}

/** `value` without the keys whose value is undefined. */
export function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Defined<T>;
}
/** An object whose fields are absent rather than undefined. */
export type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The longest line of prose kept from a report. */
const longestLine = 300;

/** `value` as one line for people. */
export function asLine(value: unknown): string | undefined {
  const text = asText(value);
  return text === undefined ? undefined : oneLine(text.trim(), longestLine);
}

/** `value` as the address of a page. Anything else that a report calls a link is left out: people click on it. */
export function asUrl(value: unknown): string | undefined {
  const text = asLine(value);
  return text !== undefined && /^https?:\/\/\S+$/.test(text) ? text : undefined;
}

const moment = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}:\d{2}:\d{2})(\.\d+)?\s?([Zz]|[+-]\d{2}:?\d{2})?)?$/;

/**
 * A time as scanners write it (RFC 3339 with up to nanoseconds and any offset, or a bare date, which is its first
 * moment in UTC) brought to an `Instant`, cut to milliseconds. Go's zero time, written for "not known", is not one.
 */
export function asInstant(value: unknown): Instant | undefined {
  const parts = typeof value === "string" ? moment.exec(value.trim()) : null;
  if (!parts) return undefined;
  const [, year = "", month = "", day = "", time = "00:00:00", fraction = "", zone = "Z"] = parts;
  if (Number(year) < 1970) return undefined;
  const offset = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const millis = Date.parse(`${year}-${month}-${day}T${time}${fraction.slice(0, 4)}${offset}`);
  if (Number.isNaN(millis)) return undefined;
  const midnight = new Date(`${year}-${month}-${day}T00:00:00Z`);
  if (midnight.getUTCDate() !== Number(day)) return undefined;
  return new Date(millis).toISOString().replace(".000Z", "Z");
}

/** When an image was built. The first second of 1970, which reproducible builds write, says nothing. */
export function asBuildTime(value: unknown): Instant | undefined {
  const instant = asInstant(value);
  return instant === "1970-01-01T00:00:00Z" ? undefined : instant;
}

/** A finite number from `least` to `most`, written as a number or as a decimal text. */
export function asNumber(value: unknown, least: number, most: number): number | undefined {
  const number =
    typeof value === "string" && /^\d{1,9}(\.\d{1,30})?$/.test(value.trim()) ? Number(value) : value;
  return typeof number === "number" && number >= least && number <= most ? number : undefined;
}
