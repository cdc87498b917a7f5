import { createPublicKey, verify, type JsonWebKey } from "node:crypto";
import type { clouds } from "@gatehouse/scans/testing";
import type { Cluster } from "../cluster/cluster.ts";

/** A cluster as a cloud that trusts its issuer knows it. */
export interface ClusterIssuer extends clouds.TokenCheck {
  readonly issuer: string;
}

interface Key extends JsonWebKey {
  readonly kid: string;
}

/** Reads a cluster's issuer and keys where a cloud reads them: OpenID Connect discovery of its API server. */
export async function clusterIssuer(cluster: Pick<Cluster, "kubectl">): Promise<ClusterIssuer> {
  const read = async <T>(path: string): Promise<T> => {
    const { code, stdout, stderr } = await cluster.kubectl(["get", "--raw", path]);
    if (code !== 0) throw new Error(`${path}: ${stderr}`);
    return JSON.parse(stdout) as T;
  };
  const { issuer, jwks_uri: keysAt } = await read<{ issuer: string; jwks_uri: string }>(
    "/.well-known/openid-configuration",
  );
  const { keys } = await read<{ keys: Key[] }>(new URL(keysAt).pathname);
  const byId = new Map(keys.map((key) => [key.kid, createPublicKey({ key, format: "jwk" })]));

  return {
    issuer,
    check(token, trusted, now) {
      const [header = "", body = "", signature = "", ...rest] = token.split(".");
      if (rest.length > 0 || signature === "") return "malformed";
      const { alg, kid } = part(header) as { alg?: unknown; kid?: unknown };
      const claims = part(body) as {
        iss?: unknown;
        aud?: unknown;
        sub?: unknown;
        exp?: unknown;
        nbf?: unknown;
      };
      const key = byId.get(String(kid));
      if (claims.iss !== trusted.issuer || key === undefined || alg !== "ES256") return "issuer";
      const signed = Buffer.from(`${header}.${body}`);
      const bytes = Buffer.from(signature, "base64url");
      if (!verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, bytes)) return "issuer";
      if (![claims.aud].flat().includes(trusted.audience)) return "audience";
      if (![trusted.subject].flat().includes(String(claims.sub))) return "subject";
      const within = Number(claims.nbf ?? 0) * 1000 <= now + 60_000 && Number(claims.exp) * 1000 > now;
      return within ? undefined : "expired";
    },
  };
}

function part(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString()) ?? {};
  } catch {
    return {};
  }
}
