/**
 * Microsoft Entra, a registry of Azure Container Registry and Azure Resource Graph as far as the gate asks them.
 */
import type { Hono } from "hono";
import { fakeRegistry, type FakeRegistry, type Misbehaviour } from "../fake-registry.ts";
import { behindLogin, fakeApp } from "./fake-app.ts";
import type { TokenCheck, Trusted } from "./fake-cluster.ts";
import { basicOf, bearerOf, issuedTokens } from "./issued-tokens.ts";
import { BadRequest, createPager, formOf, onlyKeys } from "./strict.ts";

/** The tenant as a test holds it: what it knows of images, what it was asked, and ways to let it down. */
export interface FakeAzure {
  /** For `fakeNetwork`. */
  readonly hosts: Record<string, Hono>;
  /** What is behind ACR's own authentication. */
  readonly registry: FakeRegistry;
  /** Rows of Resource Graph by digest. */
  readonly rows: Map<string, readonly object[]>;
  /** In order: `entra SCOPE`, `exchange`, `token SCOPE`, and `graph N` with the number of digests. */
  readonly asked: string[];
  /** Calls each token that was issued so far expired: Entra's, refresh and access tokens. */
  expireTokens(): void;
  misbehave: Misbehaviour | undefined;
  /** Number of tokens issued, of all kinds. */
  readonly issued: number;
  /** Queries that are left before the quota is used up; unlimited when undefined. */
  quota: number | undefined;
}

/** Whom it trusts, and how long its tokens live. */
export interface FakeAzureOptions {
  /** The cloud's clock. */
  now: () => number;
  /** Checks the tokens that it is shown. */
  cluster: TokenCheck;
  /** Whose tokens it exchanges. */
  trusted: Trusted;
  /** @default 3600 */
  lifeSeconds?: number;
}

/** The only tenant that Entra knows. */
export const azureTenant = "7e5c3a1b-0000-4000-8000-000000000001";
/** The application that the gate signs in as. */
export const azureClient = "7e5c3a1b-0000-4000-8000-000000000002";
/** Login server of the only registry. */
export const azureRegistry = "acme.azurecr.io";

/** A tenant whose registry is empty and whose graph has no row. Its quota is unlimited until a test sets one. */
export function fakeAzure(options: FakeAzureOptions): FakeAzure {
  const { now, cluster, trusted } = options;
  const lifeSeconds = options.lifeSeconds ?? 3600;
  const rows = new Map<string, readonly object[]>();
  const asked: string[] = [];
  const page = createPager();
  const registry = fakeRegistry({ host: azureRegistry });
  const tokens = issuedTokens(now, (n, life) => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const iat = Math.floor(now() / 1000);
    return `${part({ alg: "none" })}.${part({ iat, exp: iat + life, n })}.s`;
  });
  const app = (): Hono =>
    fakeApp({
      misbehave: () => fake.misbehave,
      badRequest: (c, message) => c.json({ error: "invalid_request", error_description: message }, 400),
    });

  const entra = app();
  entra.post("/:tenant/oauth2/v2.0/token", async (c) => {
    const form = await formOf(c, [
      "client_id",
      "scope",
      "grant_type",
      "client_assertion_type",
      "client_assertion",
    ]);
    asked.push(`entra ${form["scope"]}`);
    const fail = (code: number, text: string): Response =>
      c.json(
        { error: "invalid_client", error_description: `AADSTS${code}: ${text}`, error_codes: [code] },
        401,
      );
    if (c.req.param("tenant") !== azureTenant) return fail(90002, "Tenant not found");
    if (form["client_id"] !== azureClient) return fail(700016, "Application not found in the directory");
    if (
      form["grant_type"] !== "client_credentials" ||
      form["client_assertion_type"] !== "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
      !/^https:\/\/[a-z.]+\/\.default$/.test(form["scope"] ?? "")
    )
      throw new BadRequest("a parameter");
    const problem = cluster.check(form["client_assertion"] ?? "", trusted, now());
    if (problem === "issuer")
      return fail(700211, "No matching federated identity record found for presented assertion issuer");
    if (problem === "audience")
      return fail(700212, "No matching federated identity record found for presented assertion audience");
    if (problem === "subject")
      return fail(700213, "No matching federated identity record found for presented assertion subject");
    if (problem === "expired") return fail(700024, "Client assertion is not within its valid time range");
    if (problem !== undefined) return fail(50027, "JWT token is invalid");
    const token = tokens.issue((form["scope"] ?? "").replace(/\/\.default$/, ""), lifeSeconds);
    return c.json({
      token_type: "Bearer",
      expires_in: lifeSeconds,
      ext_expires_in: lifeSeconds,
      access_token: token,
    });
  });

  const acr = app();
  acr.post("/oauth2/exchange", async (c) => {
    const form = await formOf(c, ["grant_type", "service", "tenant", "access_token"]);
    asked.push("exchange");
    if (
      form["grant_type"] !== "access_token" ||
      form["service"] !== azureRegistry ||
      form["tenant"] !== azureTenant
    )
      throw new BadRequest("a parameter");
    if (!tokens.accepts(form["access_token"], "https://containerregistry.azure.net"))
      return c.json({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] }, 401);
    return c.json({ refresh_token: tokens.issue("acr-refresh", lifeSeconds) });
  });
  acr.get("/oauth2/token", (c) => {
    const { user, password } = basicOf(c);
    const scope = c.req.query("scope") ?? "";
    asked.push(`token ${scope}`);
    if (c.req.query("service") !== azureRegistry || !/^repository:[^:]+:pull$/.test(scope))
      throw new BadRequest("scope");
    if (user !== "00000000-0000-0000-0000-000000000000" || !tokens.accepts(password, "acr-refresh"))
      return c.json({ errors: [{ code: "UNAUTHORIZED" }] }, 401);
    return c.json({ access_token: tokens.issue(scope, lifeSeconds) });
  });
  const scopeOf = (repository: string): string => `repository:${repository}:pull`;
  acr.route(
    "/",
    behindLogin(registry, {
      allows: (c, repository) => tokens.accepts(bearerOf(c), scopeOf(repository)),
      challenge: (repository) =>
        `Bearer realm="https://${azureRegistry}/oauth2/token",service="${azureRegistry}",scope="${scopeOf(repository)}"`,
    }),
  );

  const graph = app();
  graph.post("/providers/Microsoft.ResourceGraph/resources", async (c) => {
    if (c.req.query("api-version") !== "2022-10-01") throw new BadRequest("api-version");
    if (!tokens.accepts(bearerOf(c), "https://management.azure.com"))
      return c.json({ error: { code: "ExpiredAuthenticationToken" } }, 401);
    if (fake.quota !== undefined) {
      if (fake.quota <= 0) {
        c.header("retry-after", "1");
        return c.json({ error: { code: "RateLimiting" } }, 429);
      }
      fake.quota -= 1;
      c.header("x-ms-user-quota-remaining", String(fake.quota));
      c.header("x-ms-user-quota-resets-after", "00:00:05");
    }
    const body = await c.req.json<Record<string, unknown>>();
    onlyKeys(body, ["query", "subscriptions", "options"], ["query", "options"]);
    const terms = body["options"] as Record<string, unknown>;
    onlyKeys(terms, ["resultFormat", "$top", "$skipToken"], ["resultFormat", "$top"]);
    if (terms["resultFormat"] !== "objectArray" || !(Number(terms["$top"]) <= 1000))
      throw new BadRequest("options");
    const query = body["query"] as string;
    if (/\b(?:limit|take)\b/.test(query)) throw new BadRequest("limit turns paging off");
    if (!query.includes('"SoftwareUpdate"')) throw new BadRequest("sub-assessments are retired");
    const digests = [...query.matchAll(/"(sha256:[0-9a-f]{64})"/g)].map(([, digest]) => digest ?? "");
    if (digests.length === 0 || digests.length > 50) throw new BadRequest(`${digests.length} digests`);
    asked.push(`graph ${digests.length}`);
    const all = digests.flatMap((digest) => (rows.get(digest) ?? []).map((row) => ({ digest, ...row })));
    const { items, next } = page(
      query,
      all,
      Number(terms["$top"]),
      terms["$skipToken"] as string | undefined,
    );
    return c.json({
      totalRecords: all.length,
      count: items.length,
      resultTruncated: next === undefined ? "false" : "true",
      ...(next === undefined ? {} : { $skipToken: next }),
      data: items,
      facets: [],
    });
  });

  const fake: FakeAzure = {
    hosts: {
      "login.microsoftonline.com": entra,
      [azureRegistry]: acr,
      "management.azure.com": graph,
    },
    registry,
    rows,
    asked,
    misbehave: undefined,
    quota: undefined,
    expireTokens: () => tokens.expireAll(),
    get issued() {
      return tokens.count;
    },
  };
  return fake;
}
