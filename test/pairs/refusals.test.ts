import { clouds } from "@gatehouse/scans/testing";
import type { Hono } from "hono";
import { expect, test } from "vitest";
import { answers } from "./answers.ts";
import { build, pairs, type Built, type Pair } from "./pairs.ts";
import { trustedOf } from "./trusted.ts";

const { createWorld, fakeAws, fakeAzure, fakeGoogle } = clouds;

/** A cloud that trusts what the program registered and nothing else; gives the status of an exchange. */
function exchangeOf(built: Built, world: ReturnType<typeof createWorld>): (token: string) => Promise<number> {
  const trusted = trustedOf(built);
  const post = async (
    hosts: Record<string, Hono>,
    host: string,
    path: string,
    form: Record<string, string>,
  ) => {
    const app = hosts[host];
    if (app === undefined) throw new Error(`the fake has no host ${host}`);
    const answer = await app.request(`https://${host}${path}`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(form).toString(),
    });
    return answer.status;
  };
  const { credentials } = built.source as Extract<Built["source"], { credentials: unknown }>;
  switch (credentials?.kind) {
    case "aws": {
      const { hosts } = fakeAws({ ...world, trusted, roleArn: credentials.roleArn });
      return (token) =>
        post(hosts, `sts.${credentials.region}.amazonaws.com`, "/", {
          Action: "AssumeRoleWithWebIdentity",
          Version: "2011-06-15",
          RoleArn: credentials.roleArn,
          RoleSessionName: "gatehouse",
          WebIdentityToken: token,
        });
    }
    case "azure": {
      const { hosts } = fakeAzure({ ...world, trusted });
      return (token) =>
        post(hosts, "login.microsoftonline.com", `/${credentials.tenantId}/oauth2/v2.0/token`, {
          client_id: credentials.clientId,
          scope: "https://containerregistry.azure.net/.default",
          grant_type: "client_credentials",
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: token,
        });
    }
    case "google": {
      const { hosts } = fakeGoogle({ ...world, trusted });
      return (token) =>
        post(hosts, "sts.googleapis.com", "/v1/token", {
          grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
          audience: credentials.audience,
          scope: "https://www.googleapis.com/auth/cloud-platform",
          requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
          subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
          subject_token: token,
        });
    }
    default:
      throw new Error(`no exchange for ${credentials?.kind}`);
  }
}

test.each(pairs)(
  "$cluster at $registry: its gate's token is taken, every other one refused",
  async (pair: Pair) => {
    const built = await build(pair, answers);
    const world = createWorld();
    const exchange = exchangeOf(built, world);
    const [audience = "", ...more] = Object.values(built.tokenAudiences);
    expect(more).toEqual([]);
    const { issuer } = built;
    const own = { audience, issuer };
    const tokens = {
      "the judge's": own,
      "the observer's": { ...own, subject: "system:serviceaccount:gatehouse:gatehouse-observer" },
      "another namespace": { ...own, subject: "system:serviceaccount:other:gatehouse" },
      "another service account": { ...own, subject: "system:serviceaccount:gatehouse:default" },
      "a longer name": { ...own, subject: "system:serviceaccount:gatehouse:gatehouse-2" },
      "another audience": { ...own, audience: "https://kubernetes.default.svc" },
      "another issuer": { ...own, issuer: "https://oidc.example/other" },
      "the issuer but for a slash": {
        ...own,
        issuer: issuer.endsWith("/") ? issuer.slice(0, -1) : `${issuer}/`,
      },
      "an ended token": { ...own, lifeMs: -1000 },
    };
    const answered: Record<string, boolean> = {};
    for (const [what, claims] of Object.entries(tokens))
      answered[what] = (await exchange(world.cluster.token(claims))) === 200;
    expect(answered).toEqual({
      ...Object.fromEntries(Object.keys(tokens).map((what) => [what, false])),
      "the judge's": true,
      "the observer's": true,
    });
  },
);
