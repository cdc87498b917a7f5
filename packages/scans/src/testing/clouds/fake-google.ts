/**
 * Google's STS, IAM Credentials, the metadata server, Container Analysis and hosts of Artifact Registry as far as the gate
 * asks them.
 */
import type { Context, Hono } from "hono";
import { fakeRegistry, type FakeRegistry, type Misbehaviour } from "../fake-registry.ts";
import { behindLogin, fakeApp } from "./fake-app.ts";
import type { TokenCheck, Trusted } from "./fake-cluster.ts";
import { basicOf, bearerOf, issuedTokens } from "./issued-tokens.ts";
import { BadRequest, createPager, formOf, onlyKeys } from "./strict.ts";

/** The project as a test holds it: what it knows of images, what it was asked, and ways to let it down. */
export interface FakeGoogle {
  /** For `fakeNetwork`. */
  readonly hosts: Record<string, Hono>;
  /** What is behind Artifact Registry's own authentication, whichever host it is asked at. */
  readonly registry: FakeRegistry;
  /** Occurrences by resource URL. */
  readonly occurrences: Map<string, readonly object[]>;
  /** In order: `token`, `generateAccessToken`, `metadata`, and `KIND RESOURCE_URL` for each page of occurrences. */
  readonly asked: string[];
  /** Calls each token that was issued so far expired. */
  expireTokens(): void;
  misbehave: Misbehaviour | undefined;
  /** Named in each answer as not reached. */
  unreachable: readonly string[];
  /** Number of tokens issued, of all kinds. */
  readonly issued: number;
  /** Whether an access token would do now. */
  accepts(token: string): boolean;
}

/** Which project it is, and whom it trusts. */
export interface FakeGoogleOptions {
  /** The cloud's clock. */
  now: () => number;
  /** Checks the tokens that it is shown. */
  cluster: TokenCheck;
  /** Whose tokens it exchanges. */
  trusted: Trusted;
  project?: string;
  /** Registry hosts that it answers as. @default `googleRegistry` alone */
  registries?: readonly string[];
  /** Where impersonation leads; without it the federated token itself has the permissions. */
  serviceAccount?: string;
  /** @default 3600 */
  lifeSeconds?: number;
}

/** The project unless a test names another. */
export const googleProject = "acme-prod";
/** The registry host unless a test names others. */
export const googleRegistry = "europe-west1-docker.pkg.dev";
/** The workload identity provider that tokens are exchanged at, in the form that Google's STS takes as audience. */
export const googleAudience =
  "//iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/pool/providers/cluster";

/** A project without any occurrence. Its registry hosts share one content. */
export function fakeGoogle(options: FakeGoogleOptions): FakeGoogle {
  const { now, cluster, trusted, project = googleProject, serviceAccount, lifeSeconds = 3600 } = options;
  const tokens = issuedTokens(now, (count) => `ya29.${count}`);
  const occurrences = new Map<string, readonly object[]>();
  const asked: string[] = [];
  const page = createPager();

  const registry = fakeRegistry({ host: googleRegistry });
  const granted = serviceAccount ?? "federated";
  const failure = (c: Context, code: 400 | 401 | 403 | 404, status: string): Response =>
    c.json({ error: { code, message: status, status } }, code);

  const app = (): Hono =>
    fakeApp({
      misbehave: () => fake.misbehave,
      badRequest: (c, message) => c.json({ error: { code: 400, message, status: "INVALID_ARGUMENT" } }, 400),
    });

  const sts = app();
  sts.post("/v1/token", async (c) => {
    const form = await formOf(c, [
      "grant_type",
      "audience",
      "scope",
      "requested_token_type",
      "subject_token_type",
      "subject_token",
    ]);
    asked.push("token");
    const fail = (error: string, description: string): Response =>
      c.json({ error, error_description: description }, 400);
    if (
      form["grant_type"] !== "urn:ietf:params:oauth:grant-type:token-exchange" ||
      form["requested_token_type"] !== "urn:ietf:params:oauth:token-type:access_token" ||
      form["subject_token_type"] !== "urn:ietf:params:oauth:token-type:jwt" ||
      form["scope"] !== "https://www.googleapis.com/auth/cloud-platform"
    )
      return fail("invalid_request", "a parameter");
    if (form["audience"] !== googleAudience)
      return fail("invalid_target", "The target service indicated is invalid");
    const problem = cluster.check(form["subject_token"] ?? "", trusted, now());
    if (problem === "expired") return fail("invalid_grant", "ID Token is expired");
    if (problem === "audience") return fail("invalid_grant", "The audience in ID Token does not match");
    if (problem === "subject")
      return fail("unauthorized_client", "The given credential is rejected by the attribute condition.");
    if (problem !== undefined)
      return fail("invalid_grant", "Error connecting to the given credential's issuer.");
    return c.json({
      access_token: tokens.issue("federated", lifeSeconds),
      issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
      token_type: "Bearer",
      expires_in: lifeSeconds,
    });
  });

  const iam = app();
  iam.post("/v1/projects/-/serviceAccounts/:call{[^/]+:generateAccessToken}", async (c) => {
    const body = await c.req.json<object>();
    onlyKeys(body, ["scope", "lifetime"], ["scope", "lifetime"]);
    asked.push("generateAccessToken");
    if (!tokens.accepts(bearerOf(c), "federated")) return failure(c, 401, "UNAUTHENTICATED");
    const who = decodeURIComponent(c.req.param("call").replace(/:generateAccessToken$/, ""));
    if (who !== serviceAccount) return failure(c, 403, "PERMISSION_DENIED");
    const end = new Date(now() + lifeSeconds * 1000).toISOString();
    c.header("date", new Date(now()).toUTCString());
    return c.json({ accessToken: tokens.issue(who, lifeSeconds), expireTime: end });
  });

  const metadata = app();
  metadata.get("/computeMetadata/v1/instance/service-accounts/default/token", (c) => {
    asked.push("metadata");
    if (c.req.header("metadata-flavor") !== "Google")
      return c.text("Missing Metadata-Flavor:Google header.", 403);
    c.header("metadata-flavor", "Google");
    return c.json({
      access_token: tokens.issue(granted, lifeSeconds),
      expires_in: lifeSeconds,
      token_type: "Bearer",
    });
  });

  const analysis = app();
  analysis.get("/v1/:parent{projects/.+}/occurrences", (c) => {
    const query = c.req.query();
    onlyKeys(query, ["filter", "pageSize", "pageToken", "returnPartialSuccess"], ["filter"]);
    if (!tokens.accepts(bearerOf(c), granted)) return failure(c, 401, "UNAUTHENTICATED");
    const parent = c.req.param("parent");
    const location = /\/locations\/([a-z0-9-]+)$/.exec(parent)?.[1];
    const regionalHost = /^containeranalysis\.([a-z0-9-]+)\.rep\.googleapis\.com$/.exec(
      new URL(c.req.url).host,
    )?.[1];
    if (location !== regionalHost) return failure(c, 404, "NOT_FOUND");
    if (parent !== `projects/${project}` && parent !== `projects/${project}/locations/${location}`)
      return failure(c, 403, "PERMISSION_DENIED");
    const size = Number(query["pageSize"] ?? "20");
    if (!Number.isInteger(size) || size < 1 || size > 1000) throw new BadRequest("pageSize");
    const filter = query["filter"] ?? "";
    const [, kind = "", resource = ""] =
      /^kind="(VULNERABILITY|DISCOVERY)" AND resourceUrl="([^"]+)"$/.exec(filter) ?? [];
    if (kind === "") throw new BadRequest(`filter ${filter}`);
    asked.push(`${kind} ${resource}`);
    const all = (occurrences.get(resource) ?? [])
      .filter((one) => (one as { kind: string }).kind === kind)
      .map((one) => ({ resourceUri: resource, ...one }));
    const { items, next } = page(`${parent} ${filter}`, all, size, query["pageToken"]);
    return c.json({
      ...(items.length === 0 ? {} : { occurrences: items }),
      ...(next === undefined ? {} : { nextPageToken: next }),
      ...(fake.unreachable.length === 0 ? {} : { unreachable: fake.unreachable }),
    });
  });

  const front = (host: string): Hono =>
    behindLogin(registry, {
      allows: (c) => {
        const { user, password } = basicOf(c);
        return user === "oauth2accesstoken" && tokens.accepts(password, granted);
      },
      challenge: () => `Basic realm="https://${host}/v2/token"`,
    });

  const fake: FakeGoogle = {
    hosts: {
      ...Object.fromEntries((options.registries ?? [googleRegistry]).map((host) => [host, front(host)])),
      "sts.googleapis.com": sts,
      "iamcredentials.googleapis.com": iam,
      "metadata.google.internal": metadata,
      "containeranalysis.googleapis.com": analysis,
      "containeranalysis.europe-west1.rep.googleapis.com": analysis,
    },
    registry,
    occurrences,
    asked,
    misbehave: undefined,
    unreachable: [],
    expireTokens: () => tokens.expireAll(),
    get issued() {
      return tokens.count;
    },
    accepts: (token) => tokens.accepts(token, granted),
  };
  return fake;
}
