/** Keys as AWS gives them out, and Signature Version 4 as AWS checks it. */
import { createHash, createHmac } from "node:crypto";
import type { Context } from "hono";

/** Temporary credentials, as STS and the Pod Identity agent give them out. */
export interface FakeAwsKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  /** Milliseconds since 1970. */
  endsAt: number;
}

/** The credentials that one fake account has issued; each holds until its own end. */
export interface FakeKeyRing {
  issue(): FakeAwsKeys;
  /** Calls each that was issued so far expired. */
  expireAll(): void;
  /** The error's type, or undefined for a request whose signature holds. */
  problemOf(c: Context, service: string): Promise<string | undefined>;
  /** Number of credentials issued. */
  readonly count: number;
}

const authorization =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;

/** @param options.now The cloud's clock, in milliseconds since 1970. */
export function fakeKeyRing(options: {
  now: () => number;
  region: string;
  lifeSeconds: number;
}): FakeKeyRing {
  const { now, region } = options;
  const keys = new Map<string, FakeAwsKeys>();
  return {
    issue() {
      const id = String(keys.size + 1).padStart(16, "0");
      const one = {
        accessKeyId: `ASIA${id}`,
        secretAccessKey: `secret/${id}+=`,
        sessionToken: `session${id}==`,
        endsAt: now() + options.lifeSeconds * 1000,
      };
      keys.set(one.accessKeyId, one);
      return one;
    },
    expireAll() {
      for (const one of keys.values()) one.endsAt = Math.min(one.endsAt, now());
    },
    async problemOf(c, service) {
      const [, id = "", day = "", signedRegion, signedService, names = "", signature] =
        authorization.exec(c.req.header("authorization") ?? "") ?? [];
      const key = keys.get(id);
      if (key === undefined) return "UnrecognizedClientException";
      if (signedRegion !== region || signedService !== service) return "InvalidSignatureException";
      const date = c.req.header("x-amz-date") ?? "";
      const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
      if (parts === null || !date.startsWith(day)) return "IncompleteSignatureException";
      const [, year, month, dayOfMonth, hour, minute, second] = parts;
      const at = Date.parse(`${year}-${month}-${dayOfMonth}T${hour}:${minute}:${second}Z`);
      if (Math.abs(at - now()) > 5 * 60_000) return "InvalidSignatureException";
      const headers = names.split(";");
      const mustBeSigned = [
        "host",
        ...[...c.req.raw.headers.keys()].filter((name) => name.startsWith("x-amz-")),
      ];
      if (mustBeSigned.some((name) => !headers.includes(name))) return "IncompleteSignatureException";
      const url = new URL(c.req.url);
      const valueOf = (name: string): string =>
        name === "host" ? url.host : (c.req.header(name) ?? "").trim();
      const canonical = [
        c.req.method,
        url.pathname,
        url.search.slice(1),
        ...headers.map((name) => `${name}:${valueOf(name)}`),
        "",
        names,
        sha256(await c.req.text()),
      ].join("\n");
      const scope = `${day}/${region}/${service}/aws4_request`;
      const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
      const signingKey = [day, region, service, "aws4_request"].reduce<string | Buffer>(
        (secret, text) => createHmac("sha256", secret).update(text).digest(),
        `AWS4${key.secretAccessKey}`,
      );
      if (createHmac("sha256", signingKey).update(toSign).digest("hex") !== signature)
        return "InvalidSignatureException";
      if (c.req.header("x-amz-security-token") !== key.sessionToken) return "UnrecognizedClientException";
      return key.endsAt <= now() ? "ExpiredTokenException" : undefined;
    },
    get count() {
      return keys.size;
    },
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
