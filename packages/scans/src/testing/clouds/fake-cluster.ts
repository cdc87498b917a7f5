import { createHmac, randomBytes } from "node:crypto";

/** What a cloud trusts: tokens of this issuer, for this audience and subject, exact to the letter. */
export interface Trusted {
  issuer: string;
  audience: string;
  /** `system:serviceaccount:NAMESPACE:NAME`, or several of them. */
  subject: string | readonly string[];
}

/** What a cloud asks of a cluster's keys. */
export interface TokenCheck {
  /** What is wrong with a token by what a cloud trusts and by its clock; undefined when nothing is. */
  check(
    token: string,
    trusted: Trusted,
    now: number,
  ): "malformed" | "issuer" | "audience" | "subject" | "expired" | undefined;
}

/** A cluster as far as clouds know it: it signs tokens of service accounts. */
export interface FakeCluster extends TokenCheck {
  readonly issuer: string;
  /** A projected token. Life in milliseconds, an hour unless said otherwise. */
  token(claims: { audience: string; subject?: string; lifeMs?: number; issuer?: string }): string;
}

/** The gate's service account, as tokens and trust name it. */
export const gateSubject = "system:serviceaccount:gatehouse:gatehouse";

/** @param now Milliseconds since 1970 by the cluster's clock. */
export function fakeCluster(now: () => number, issuer = "https://oidc.example/cluster"): FakeCluster {
  const key = randomBytes(32);
  const sign = (text: string): string => createHmac("sha256", key).update(text).digest("base64url");
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    issuer,
    token({ audience, subject = gateSubject, lifeMs = 3_600_000, issuer: iss = issuer }) {
      const iat = Math.floor(now() / 1000);
      const claims = { iss, sub: subject, aud: [audience], iat, exp: iat + Math.floor(lifeMs / 1000) };
      const body = `${part({ alg: "HS256", kid: "1" })}.${part(claims)}`;
      return `${body}.${sign(body)}`;
    },
    check(token, trusted, at) {
      const [header, body, signature, ...rest] = token.split(".");
      if (header === undefined || body === undefined || rest.length > 0) return "malformed";
      const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
      // A cloud fetches keys from the issuer that it trusts: another's signature does not verify.
      if (claims["iss"] !== trusted.issuer || signature !== sign(`${header}.${body}`)) return "issuer";
      if (!(claims["aud"] as string[]).includes(trusted.audience)) return "audience";
      if (![trusted.subject].flat().includes(String(claims["sub"]))) return "subject";
      return (claims["exp"] as number) * 1000 <= at ? "expired" : undefined;
    },
  };
}
