import type { Context } from "hono";

/** The bearer tokens that one cloud has given out: each for one use, until it ends or is taken back. */
export interface IssuedTokens {
  /** Gives a token for `use` out that lives for so many seconds. */
  issue(use: string, lifeSeconds: number): string;
  /** Whether a token would do for `use` now. */
  accepts(token: string | undefined, use: string): boolean;
  /** Takes back all that were given out so far. */
  expireAll(): void;
  readonly count: number;
}

/**
 * @param now The cloud's clock, in milliseconds since 1970.
 * @param write Makes the text of a token; each must be another.
 */
export function issuedTokens(
  now: () => number,
  write: (count: number, lifeSeconds: number) => string,
): IssuedTokens {
  const tokens = new Map<string, { endsAt: number; use: string }>();
  return {
    issue(use, lifeSeconds) {
      const token = write(tokens.size + 1, lifeSeconds);
      tokens.set(token, { endsAt: now() + lifeSeconds * 1000, use });
      return token;
    },
    accepts(token, use) {
      const one = tokens.get(token ?? "");
      return one !== undefined && one.use === use && one.endsAt > now();
    },
    expireAll() {
      for (const one of tokens.values()) one.endsAt = Math.min(one.endsAt, now());
    },
    get count() {
      return tokens.size;
    },
  };
}

/** The token of `Authorization: Bearer`; undefined for any other header. */
export function bearerOf(c: Context): string | undefined {
  return /^Bearer (\S+)$/.exec(c.req.header("authorization") ?? "")?.[1];
}

/** User and password of `Authorization: Basic`. */
export function basicOf(c: Context): { user?: string | undefined; password?: string | undefined } {
  const [, sent = ""] = /^Basic (\S+)$/.exec(c.req.header("authorization") ?? "") ?? [];
  const [, user, password] = /^([^:]*):(.*)$/.exec(Buffer.from(sent, "base64").toString()) ?? [];
  return { user, password };
}
