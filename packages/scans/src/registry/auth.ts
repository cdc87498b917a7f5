import type { Credential, RegistryLogin } from "../credentials/login.ts";
import { isLiteralOrLocal } from "./addresses.ts";
import { parseChallenges } from "./challenge.ts";
import { RegistryError } from "./errors.ts";

/** Where a host says that tokens come from, or that it takes the login itself. */
type Scheme = { kind: "bearer"; realm: URL; service: string | undefined } | { kind: "basic" };

/** Sends one request, without redirects; paced as its host needs. */
export type TokenGet = (url: URL, headers: Record<string, string>, signal: AbortSignal) => Promise<Response>;

/** What authentication at one registry needs to know, so that no proof goes to any other host. */
export interface AuthOptions {
  /** As the reference has it. */
  registry: string;
  /** `https://host[:port]` that the registry is dialled as. */
  origin: string;
  credential: Credential;
  /** Plain HTTP: nothing but anonymous access. */
  plainHttp: boolean;
  /** Hosts besides the registry's own that may be sent its credentials. */
  tokenRealms: readonly string[];
  get: TokenGet;
  /** Reads a body of bounded size as text. */
  text: (response: Response) => Promise<string>;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** The `Authorization` headers for one registry. */
export interface Auth {
  /** Header for reading `repository` as far as the host's scheme is known; `undefined` sends none. */
  header(repository: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Learns from a 401, and forgets the token that did not do. The caller tries once more, no oftener.
   * @throws RegistryError when the challenge cannot be met.
   */
  challenged(header: string | null, sent: string | undefined, repository: string): void;
}

/** Docker Hub's realm is on another host than its registry; everyone else's shares its host or is configured. */
const knownRealms: Readonly<Record<string, string>> = { "docker.io": "auth.docker.io" };

/** Tokens without `expires_in` live this long (distribution's token specification). */
const defaultLifeMs = 60_000;

/**
 * Bearer tokens (https://distribution.github.io/distribution/spec/auth/token/) and basic authentication.
 * The scope asked for is always `repository:NAME:pull`, never what the challenge says: a registry may not talk the
 * gate into asking for more with its credentials.
 */
export function createAuth(options: AuthOptions): Auth {
  const { registry, origin, now } = options;
  let scheme: Scheme | undefined;
  let login: Promise<RegistryLogin | undefined> | undefined;
  let refused: RegistryLogin | undefined;
  const tokens = new Map<string, Promise<{ header: string; until: number }>>();

  async function currentLogin(signal: AbortSignal): Promise<RegistryLogin | undefined> {
    if (options.plainHttp) return undefined;
    const known = login && (await login.catch(() => undefined));
    const useful = known !== undefined && known !== refused;
    if (useful && (known.expiresAt === undefined || known.expiresAt - now() > 30_000)) return known;
    login = options.credential(registry, signal, refused);
    const fresh = await login;
    refused = undefined;
    return fresh;
  }

  async function fetchToken(
    bearer: Extract<Scheme, { kind: "bearer" }>,
    repository: string,
    signal: AbortSignal,
  ): Promise<{ header: string; until: number }> {
    const url = new URL(bearer.realm);
    url.searchParams.set("scope", `repository:${repository}:pull`);
    if (bearer.service !== undefined) url.searchParams.set("service", bearer.service);
    const user = mayHaveCredentials(url) ? await currentLogin(signal) : undefined;
    const asked = now();
    const ask = async (as: RegistryLogin | undefined): Promise<Response> =>
      await options.get(url, as === undefined ? {} : { authorization: basic(as) }, signal);
    let response = await ask(user);
    if (response.status === 401 && user !== undefined) {
      // A login may end sooner than it said. Only another one is worth a second try.
      refused = user;
      const next = await currentLogin(signal);
      if (next !== undefined && next.password !== user.password) {
        void response.body?.cancel();
        response = await ask(next);
      }
    }
    const body = await options.text(response);
    if (response.status !== 200)
      throw new RegistryError(
        response.status >= 500 || response.status === 429 ? "network" : "denied",
        `${registry}: its token realm ${url.host} answered ${response.status}`,
        { status: response.status },
      );
    const { token, life } = readToken(body, registry);
    return { header: `Bearer ${token}`, until: asked + Math.max(life * 0.9, life - 30_000) };
  }

  function mayHaveCredentials(realm: URL): boolean {
    return (
      realm.origin === origin ||
      (realm.port === "" && realm.hostname === knownRealms[registry]) ||
      options.tokenRealms.includes(realm.host)
    );
  }

  return {
    async header(repository, signal) {
      if (scheme === undefined) return undefined;
      if (scheme.kind === "basic") {
        const user = await currentLogin(signal);
        return user === undefined ? undefined : basic(user);
      }
      const known = tokens.get(repository);
      if (known !== undefined) {
        const value = await known.catch(() => undefined);
        if (value !== undefined && value.until > now()) return value.header;
        if (tokens.get(repository) === known) tokens.delete(repository);
      }
      let fresh = tokens.get(repository);
      if (fresh === undefined) {
        if (tokens.size >= 2000) tokens.clear();
        fresh = fetchToken(scheme, repository, signal);
        tokens.set(repository, fresh);
        fresh.catch(() => tokens.get(repository) === fresh && tokens.delete(repository));
      }
      return (await fresh).header;
    },

    challenged(header, sent, repository) {
      const next = readScheme(header ?? "", options);
      const same = scheme !== undefined && sameScheme(scheme, next);
      scheme = next;
      if (!same) tokens.clear();
      if (sent === undefined) return;
      tokens.delete(repository);
      if (next.kind === "basic") {
        const before = login;
        login = before?.then((value) => {
          refused = value;
          return value;
        });
      }
    },
  };
}

function sameScheme(a: Scheme, b: Scheme): boolean {
  if (a.kind === "basic" || b.kind === "basic") return a.kind === b.kind;
  return a.realm.href === b.realm.href && a.service === b.service;
}

/** @throws RegistryError `denied` without a usable challenge, `refused` when its realm is no place to go to. */
function readScheme(header: string, { registry, origin, plainHttp }: AuthOptions): Scheme {
  const challenges = parseChallenges(header);
  const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters["realm"]);
  if (bearer !== undefined) {
    const realm = checkRealm(bearer.parameters["realm"] ?? "", registry, origin);
    return { kind: "bearer", realm, service: bearer.parameters["service"] };
  }
  if (challenges.some(({ scheme }) => scheme === "basic")) {
    if (!plainHttp) return { kind: "basic" };
    throw new RegistryError("denied", `${registry}: wants a password over plain HTTP, which is never sent`);
  }
  throw new RegistryError("denied", `${registry}: answered 401 without a challenge that can be met`, {
    status: 401,
  });
}

function checkRealm(text: string, registry: string, origin: string): URL {
  const refuse = (why: string): RegistryError =>
    new RegistryError("refused", `${registry}: its token realm ${JSON.stringify(text.slice(0, 100))} ${why}`);
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  if (realm === undefined) throw refuse("is not a URL");
  if (realm.username !== "" || realm.password !== "") throw refuse("holds a user name");
  realm.hash = "";
  // The registry itself may be plain or local when its source says so; nobody else may.
  if (realm.origin === origin) return realm;
  if (realm.protocol !== "https:") throw refuse("is not https");
  if (isLiteralOrLocal(realm.hostname)) throw refuse("is an address or a local name");
  return realm;
}

function basic({ username, password }: RegistryLogin): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function readToken(body: string, registry: string): { token: string; life: number } {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = undefined;
  }
  const answer = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const token = answer["token"] ?? answer["access_token"];
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token))
    throw new RegistryError("malformed", `${registry}: its token realm answered without a token`);
  const seconds = answer["expires_in"];
  const life = typeof seconds === "number" && seconds > 0 ? seconds * 1000 : defaultLifeMs;
  return { token, life };
}
