import { createKube, type Kube } from "../client.ts";
import type { KubeConfig } from "../config.ts";
import type { KubeObject, Manifest } from "../objects.ts";
import type { KubeOptions } from "../request.ts";
import { apiVersionOf, resources as knownResources, type Resource } from "../resources.ts";
import type { UserInfo } from "../reviews.ts";
import type { KubeFetch } from "../transport.ts";
import { json, Refusal, refused } from "./answers.ts";
import { createIdentities, serviceAccountUser, type Authorize } from "./identities.ts";
import { isJson } from "./merge.ts";
import { createReads, shown } from "./reads.ts";
import { routeOf, type Route } from "./route.ts";
import { createStore } from "./store.ts";
import { create, notFound, patch, remove, replace, type Admit } from "./writes.ts";

/** A request that reaches a service through the API server; `Authorization` is taken out as the real one does. */
export interface ProxiedRequest {
  readonly namespace: string;
  readonly scheme: string;
  readonly service: string;
  readonly port: string;
  /** With `path` as its path. */
  readonly request: Request;
}

/** How the fake behaves. */
export interface FakeApiOptions {
  /** Kinds beyond the known ones. */
  readonly resources?: readonly Resource[];
  readonly now?: () => number;
  /**
   * Rights of everybody but the administrator, for requests and for access reviews.
   * @default nobody else may do anything
   */
  readonly authorize?: Authorize;
  /** Admission: why a write is denied. @default nothing is denied */
  readonly admit?: Admit;
  /** Answers for services. @default 503 */
  readonly serviceProxy?: (request: ProxiedRequest) => Response | Promise<Response>;
  /** @default "v1.34.0" */
  readonly version?: string;
}

/** Failures to come. */
export interface Failure {
  /** HTTP status, or "break" for a connection that dies. */
  readonly status: number | "break";
  /** @default 1 */
  readonly times?: number;
  readonly message?: string;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
  /** Which requests fail. @default all */
  readonly match?: (request: Request) => boolean;
}

/** An API server in memory. */
export interface FakeApi {
  /** Answers a request as the API server would. */
  readonly handle: (request: Request) => Promise<Response>;
  /** The same as a transport for `createKube`. */
  readonly fetch: KubeFetch;
  /** Config of the administrator; works with {@link FakeApi.fetch} only. */
  readonly config: KubeConfig;
  /** A client: of the administrator, or with another token. */
  kube(options?: KubeOptions & { readonly token?: string }): Kube;
  /** Puts an object there without any check, as a test's premise. */
  put(object: Manifest): KubeObject;
  /** All objects of a kind, as stored. */
  objects(resource: Resource): readonly KubeObject[];
  /** A token for anybody. @param seconds @default 3600 */
  token(user: UserInfo, audiences?: readonly string[], seconds?: number): string;
  /** Sends a bookmark on every watch. */
  bookmark(): void;
  /** Forgets the history: older watches and pages are answered with 410. */
  compact(): void;
  /** Ends every open watch. @param how @default "end" */
  closeWatches(how?: "end" | "break"): void;
  /** Number of open watches. */
  watches(): number;
  /** The next matching requests fail. */
  fail(failure: Failure): void;
  /** Method and path with query of all requests so far. */
  readonly requests: readonly string[];
}

const administrator: UserInfo = { username: "admin", groups: ["system:masters"], extra: {} };

/**
 * An API server in memory with the verbs this package knows. What it does not do like the real one: no schema
 * validation or defaulting, no garbage collection, server-side apply takes lists whole, a strategic patch is a
 * merge patch. What it does not know is refused.
 */
export function createFakeApi(options: FakeApiOptions = {}): FakeApi {
  const now = options.now ?? Date.now;
  const known: Resource[] = [...Object.values(knownResources), ...(options.resources ?? [])];
  const store = createStore(now);
  const reads = createReads(store);
  const identities = createIdentities(now);
  const context = { store, now, admit: options.admit ?? (() => undefined) };
  const requests: string[] = [];
  let failures: (Failure & { left: number })[] = [];
  const adminToken = identities.issue(administrator, [], 10 * 365 * 86_400).token;
  const authorize: Authorize = (user, attributes) =>
    user.groups.includes("system:masters") || (options.authorize?.(user, attributes) ?? false);

  function permit(user: UserInfo, verb: string, route: Route): void {
    const { resource, namespace, name, subresource } = route;
    const allowed = authorize(user, {
      verb,
      group: resource.group,
      version: resource.version,
      resource: resource.plural,
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    });
    if (allowed) return;
    const what = `${resource.plural}${subresource === undefined ? "" : `/${subresource}`}`;
    throw new Refusal(403, "Forbidden", `User "${user.username}" cannot ${verb} resource "${what}"`);
  }

  async function proxy(route: Route, request: Request, url: URL): Promise<Response> {
    const [scheme = "", service = "", port = ""] = (route.name ?? "").split(":");
    if (!options.serviceProxy)
      throw new Refusal(503, "ServiceUnavailable", "no endpoints available for service");
    const headers = new Headers(request.headers);
    headers.delete("authorization");
    const path = `/${route.rest.map(encodeURIComponent).join("/")}`;
    return options.serviceProxy({
      namespace: route.namespace ?? "",
      scheme,
      service,
      port,
      request: new Request(new URL(`${path}${url.search}`, `${scheme}://${service}`), {
        method: request.method,
        headers,
        ...(request.method === "POST" ? { body: await request.text() } : {}),
      }),
    });
  }

  function issueToken(route: Route, body: unknown): Response {
    const account = store.find(route.resource, route.namespace, route.name ?? "");
    if (!account) throw notFound(route, route.name);
    const spec = isJson(body) && isJson(body["spec"]) ? body["spec"] : {};
    const seconds = Number(spec["expirationSeconds"] ?? 3600);
    if (seconds < 600) {
      throw new Refusal(
        422,
        "Invalid",
        "spec.expirationSeconds: may not specify a duration less than 10 minutes",
      );
    }
    const audiences = Array.isArray(spec["audiences"]) ? spec["audiences"].map(String) : [];
    const { name, uid } = account.object.metadata;
    const { token, expiresAt } = identities.issue(
      serviceAccountUser(route.namespace ?? "", name, uid),
      audiences,
      seconds,
    );
    const status = { token, expirationTimestamp: new Date(expiresAt).toISOString() };
    return json({ ...(body as object), status }, 201);
  }

  async function objectRequest(route: Route, request: Request, url: URL, user: UserInfo): Promise<Response> {
    const query = url.searchParams;
    const metadataOnly = (request.headers.get("accept") ?? "").includes("as=PartialObjectMetadata");
    const watching = query.get("watch") === "true";
    const verbs: Record<string, string> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };
    const reading = route.name !== undefined && !watching ? "get" : watching ? "watch" : "list";
    permit(user, verbs[request.method] ?? reading, route);
    if (route.subresource === "proxy" && route.resource.plural === "services")
      return proxy(route, request, url);
    const text = await request.text();
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    switch (`${request.method} ${route.name === undefined ? "all" : "one"}`) {
      case "GET all":
        return watching ? reads.watch(route, query, metadataOnly) : reads.list(route, query, metadataOnly);
      case "GET one": {
        const found = store.find(route.resource, route.namespace, route.name ?? "");
        if (!found) throw notFound(route, route.name);
        return json(shown(found.object, metadataOnly));
      }
      case "POST all":
        return json(await create(context, route, body, query), 201);
      case "POST one":
        if (route.resource.plural === "serviceaccounts" && route.subresource === "token") {
          return issueToken(route, body);
        }
        break;
      case "PUT one":
        return json(await replace(context, route, body, query));
      case "PATCH one":
        return json(await patch(context, route, request.headers.get("content-type") ?? "", body, query));
      case "DELETE one":
        return json(await remove(context, route, body));
      default:
    }
    throw new Refusal(
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
    );
  }

  function discovery(pathname: string): Response | undefined {
    if (pathname === "/version") {
      const gitVersion = options.version ?? "v1.34.0";
      const [major = "", minor = ""] = gitVersion.slice(1).split(".");
      return json({ major, minor, gitVersion });
    }
    const groupVersion = pathname.replace(/^\/apis?\//, "");
    const served = known.filter((one) => apiVersionOf(one) === groupVersion);
    if (served.length === 0) return undefined;
    const names = served.map(({ plural: name, kind, namespaced }) => ({ name, kind, namespaced }));
    return json({ kind: "APIResourceList", groupVersion, resources: names });
  }

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const user = identities.authenticate(request.headers.get("authorization"));
    const review = /^\/apis\/auth(?:entication|orization)\.k8s\.io\/v1\/(\w+reviews)$/.exec(
      url.pathname,
    )?.[1];
    if (review !== undefined && request.method === "POST") {
      const body: unknown = await request.json();
      return json(identities.review(review, isJson(body) ? body : {}, user, authorize), 201);
    }
    const found = request.method === "GET" ? discovery(url.pathname) : undefined;
    if (found) return found;
    const route = routeOf(url.pathname, known);
    if (!route) throw new Refusal(404, "NotFound", "the server could not find the requested resource");
    return objectRequest(route, request, url, user);
  }

  async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    requests.push(`${request.method} ${url.pathname}${url.search}`);
    const failure = failures.find((one) => one.match?.(request) ?? true);
    if (failure) {
      failure.left -= 1;
      failures = failures.filter((one) => one.left > 0);
      if (failure.status === "break") throw new TypeError("connection reset");
      const { status, reason, message, retryAfterSeconds } = failure;
      return refused(new Refusal(status, reason ?? "", message ?? "told to fail", retryAfterSeconds));
    }
    try {
      return await answer(request);
    } catch (error) {
      if (error instanceof Refusal) return refused(error);
      return refused(new Refusal(400, "BadRequest", error instanceof Error ? error.message : String(error)));
    }
  }

  const fetch: KubeFetch = async (url, { method, headers, body, signal }) => {
    signal.throwIfAborted();
    const plain = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
    const response = await handle(
      new Request(url, { method, headers: plain, signal, ...(body === undefined ? {} : { body }) }),
    );
    // As over a connection, the signal also ends an answer whose body is still being read.
    const answer = response.body?.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal });
    return new Response(answer ?? null, { status: response.status, headers: response.headers });
  };
  const config: KubeConfig = {
    server: "https://fake.invalid",
    credentials: { kind: "token", token: adminToken },
    namespace: "default",
  };

  return {
    handle,
    fetch,
    config,
    kube: ({ token, ...rest } = {}) =>
      createKube(token === undefined ? config : { ...config, credentials: { kind: "token", token } }, {
        fetch,
        now,
        ...rest,
      }),
    put(object) {
      const resource = known.find(
        (one) => one.kind === object.kind && apiVersionOf(one) === object.apiVersion,
      );
      if (!resource) throw new Error(`the fake does not know ${object.apiVersion} ${object.kind}`);
      return store.write(resource, object as unknown as KubeObject, new Map(), false);
    },
    objects: (resource) => store.all(resource),
    token: (user, audiences = [], seconds = 3600) => identities.issue(user, audiences, seconds).token,
    bookmark: () => reads.bookmark(),
    compact() {
      store.compact();
      reads.expirePages();
    },
    closeWatches: (how = "end") => reads.closeWatches(how),
    watches: () => reads.watches(),
    fail: (failure) => failures.push({ ...failure, left: failure.times ?? 1 }),
    requests,
  };
}
