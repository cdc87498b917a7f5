/** What browsers are told, and what they must tell us. */
import type { Context } from "hono";

/** Headers of every answer. Nothing is loaded from elsewhere, nothing inline runs, no other page may frame it. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "cache-control": "no-store",
  vary: "cookie, x-gatehouse-token",
};

/** Whether a form was sent from one of our own pages, by the browser's word. No word is no. */
export function sentFromHere(c: Context): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined) return site === "same-origin";
  const origin = c.req.header("origin");
  try {
    return origin !== undefined && new URL(origin).host === c.req.header("host");
  } catch {
    return false;
  }
}

/** Largest form, in bytes: a token and little else. */
const formLimit = 32 * 1024;

/** Reads a form; undefined for what is none or is too large. */
export async function readForm(c: Context): Promise<URLSearchParams | undefined> {
  const type = c.req.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  const length = Number(c.req.header("content-length") ?? Number.NaN);
  if (type !== "application/x-www-form-urlencoded" || !(length <= formLimit)) return undefined;
  return new URLSearchParams(await c.req.text());
}
