import type { Context } from "hono";

/** What a strict fake saw that a real service would refuse, or that no client should send. */
export class BadRequest extends Error {}

/** A body that is a form with exactly these fields. */
export async function formOf(c: Context, fields: readonly string[]): Promise<Record<string, string>> {
  const type = c.req.header("content-type") ?? "";
  if (!type.startsWith("application/x-www-form-urlencoded")) throw new BadRequest(`content-type ${type}`);
  const pairs = [...new URLSearchParams(await c.req.text())];
  const names = pairs.map(([name]) => name);
  if (names.length !== fields.length || fields.some((field) => !names.includes(field)))
    throw new BadRequest(`expected the fields ${fields.join(", ")}, got ${names.join(", ")}`);
  return Object.fromEntries(pairs);
}

/** Refuses keys that the interface does not have, and those that it wants and are missing. */
export function onlyKeys(value: object, allowed: readonly string[], required: readonly string[] = []): void {
  const keys = Object.keys(value);
  const strange = keys.find((key) => !allowed.includes(key));
  if (strange !== undefined) throw new BadRequest(`unknown field ${strange}`);
  const missing = required.find((key) => !keys.includes(key));
  if (missing !== undefined) throw new BadRequest(`missing field ${missing}`);
}

/** Slices a list into pages whose tokens belong to one question and are used once each. */
export function createPager(): <T>(
  question: string,
  items: readonly T[],
  size: number,
  token: string | undefined,
) => { items: readonly T[]; next?: string } {
  const issued = new Map<string, { question: string; at: number }>();
  let count = 0;
  return (question, items, size, token) => {
    const place = token === undefined ? { question, at: 0 } : issued.get(token);
    if (place === undefined || place.question !== question)
      throw new BadRequest("a page token of another question");
    const end = place.at + size;
    if (end >= items.length) return { items: items.slice(place.at) };
    const next = `page-${++count}`;
    issued.set(next, { question, at: end });
    return { items: items.slice(place.at, end), next };
  };
}
