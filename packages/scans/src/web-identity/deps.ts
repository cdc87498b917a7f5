import type { CloudCaller } from "../cloud/cloud-call.ts";
import type { ReadFile } from "../credentials/login.ts";

/** What every exchange needs from outside. */
export interface IdentityDeps {
  call: CloudCaller;
  readFile: ReadFile;
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 to 1, for the spread of renewals. @default Math.random */
  random?: (() => number) | undefined;
  /** PEM of authorities for endpoints that the configuration names. */
  ca?: string | undefined;
}

/** Life of a bearer token: its `expires_in` in seconds, or two minutes where that is missing or absurd. */
export function lifeOf(seconds: unknown): number {
  const number = typeof seconds === "string" && /^\d{1,7}$/.test(seconds) ? Number(seconds) : seconds;
  return typeof number === "number" && number > 0 && number <= 7 * 86_400 ? number * 1000 : 120_000;
}

/** Life of a credential whose end is given as a moment on the cloud's clock. At least a second, at most a week. */
export function lifeUntil(end: string, startedAt: number, clockAheadMs: number): number {
  const life = Date.parse(end) - (startedAt + clockAheadMs);
  return Number.isNaN(life) ? 120_000 : Math.min(Math.max(life, 1000), 7 * 86_400_000);
}
