import { describe, expect, test } from "vitest";
import type { RegistryLogin } from "../credentials/login.ts";
import { fakeNetwork } from "../testing/fake-network.ts";
import { fakeRegistry, type FakeRegistryOptions } from "../testing/fake-registry.ts";
import {
  answers,
  firstTimes,
  on,
  redirects,
  silent,
  wrongBytes,
  wrongDigestHeader,
  wrongLength,
} from "../testing/misbehaviours.ts";
import { Hono } from "hono";
import { RegistryError } from "./errors.ts";
import { createRegistries } from "./registries.ts";

const host = "registry.example";
const now = (): number => Date.parse("2026-11-22T10:00:00Z");
const signal = new AbortController().signal;
const login: RegistryLogin = { username: "reader", password: "s3cret" };
const basic = `Basic ${Buffer.from("reader:s3cret").toString("base64")}`;

function setUp(
  options: FakeRegistryOptions & { login?: RegistryLogin; tokenRealms?: string[] } = {},
  others = {},
) {
  const registry = fakeRegistry(options);
  const network = fakeNetwork({ [host]: registry.app, ...others });
  const registries = createRegistries({
    connections: [
      {
        registries: [host],
        credential: () => Promise.resolve(options.login),
        tokenRealms: options.tokenRealms,
      },
    ],
    fetch: network.fetch,
    now,
    requestTimeoutMs: 50,
  });
  return { registry, network, client: registries.client(host), registries };
}

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RegistryError)) throw new Error("expected a RegistryError", { cause: error });
  return { code: error.code, message: error.message };
}

describe("a manifest", () => {
  test("by tag costs one request and has the digest of its bytes", async () => {
    const { registry, client } = setUp();
    const image = registry.pushImage("app", { tag: "1" });
    const found = await client.manifest("app", "1", signal);
    expect([found.digest, found.size, found.mediaType, found.manifest.kind]).toEqual([
      image.digest,
      image.size,
      image.mediaType,
      "manifest",
    ]);
    expect(registry.requests).toEqual(["GET /v2/app/manifests/1"]);
  });

  test.each([
    ["wrong bytes", wrongBytes],
    ["a wrong length", wrongLength],
    ["a wrong digest header", wrongDigestHeader],
  ])("with %s is a mismatch", async (_name, misbehaviour) => {
    const { registry, client } = setUp();
    registry.pushImage("app", { tag: "1" });
    registry.misbehave = misbehaviour;
    expect((await failure(client.manifest("app", "1", signal))).code).toBe("mismatch");
  });

  test("by digest is a mismatch when the bytes are another's, whatever the header says", async () => {
    const { registry, client } = setUp();
    const [one, two] = [registry.pushImage("app"), registry.pushImage("app", { content: "two" })];
    registry.misbehave = async (request, next) => {
      if (!request.url.endsWith(one.digest)) return await next();
      const other = await registry.app.request(request.url.replace(one.digest, two.digest), {
        headers: request.headers,
      });
      const headers = new Headers(other.headers);
      headers.set("docker-content-digest", one.digest);
      return new Response(other.body, { headers });
    };
    expect((await failure(client.manifest("app", one.digest, signal))).code).toBe("mismatch");
  });

  test("that calls itself both an image and an index is refused", async () => {
    const { registry, client } = setUp();
    const image = registry.pushImage("app");
    registry.pushManifest("app", { schemaVersion: 2, config: image, layers: [], manifests: [image] }, "1");
    expect(await failure(client.manifest("app", "1", signal))).toEqual({
      code: "malformed",
      message:
        'registry.example/app:1: sent as application/vnd.oci.image.manifest.v1+json, but also holds "manifests"',
    });
  });

  test("of more than four mebibytes is not read", async () => {
    const { registry, client } = setUp();
    registry.pushManifest("app", { padding: "x".repeat(4 * 1024 * 1024) }, "1");
    expect((await failure(client.manifest("app", "1", signal))).code).toBe("too-large");
  });

  test.each(["../../token", "a/../b", "App", "a//b", "a?x", "", "a%2f..%2fb"])(
    "of the repository %j is not asked for",
    async (repository) => {
      const { network, client } = setUp();
      expect((await failure(client.manifest(repository, "1", signal))).code).toBe("malformed");
      expect(network.dialled).toEqual([]);
    },
  );

  test.each(["..", "1/../../x", `sha256:${"g".repeat(64)}`, `sha512:${"a".repeat(128)}`])(
    "named %j is not asked for",
    async (reference) => {
      const { network, client } = setUp();
      expect((await failure(client.manifest("app", reference, signal))).code).toBe("unsupported");
      expect(network.dialled).toEqual([]);
    },
  );
});

describe("answers that are none", () => {
  test.each([
    [404, "not-found", 1],
    [403, "denied", 1],
    [500, "network", 3],
    [418, "malformed", 1],
  ])("%i is %s after %i requests", async (status, code, requests) => {
    const { registry, client } = setUp();
    registry.misbehave = answers(status);
    expect((await failure(client.manifest("app", "1", signal))).code).toBe(code);
    expect(registry.requests.length).toBe(requests);
  });

  test("silence ends with the request's own time", async () => {
    const { registry, client } = setUp();
    registry.misbehave = silent;
    expect(await failure(client.manifest("app", "1", signal))).toEqual({
      code: "network",
      message: "registry.example: no answer in time",
    });
  });

  test("one bad answer is tried again", async () => {
    const { registry, client } = setUp();
    registry.pushImage("app", { tag: "1" });
    registry.misbehave = firstTimes(1, answers(502));
    expect((await client.manifest("app", "1", signal)).manifest.kind).toBe("manifest");
  });

  test("429 with a Retry-After beyond what is waited for stops all requests to that host", async () => {
    const { registry, client } = setUp();
    registry.pushImage("app", { tag: "1" });
    registry.misbehave = firstTimes(1, answers(429, { "retry-after": "60" }));
    expect((await failure(client.manifest("app", "1", signal))).code).toBe("throttled");
    expect(await failure(client.manifest("app", "1", signal))).toEqual({
      code: "throttled",
      message: "registry.example: asked too often; free again in 60 s",
    });
    expect(registry.requests.length).toBe(1);
  });

  test("after eight failures in a row nothing is sent", async () => {
    const { registry, client } = setUp();
    registry.misbehave = answers(500);
    await Promise.allSettled(Array.from({ length: 4 }, () => client.manifest("app", "1", signal)));
    const before = registry.requests.length;
    expect((await failure(client.manifest("app", "1", signal))).code).toBe("broken");
    expect(registry.requests.length).toBe(before);
  });
});

describe("authentication", () => {
  test("a token is asked for once for each repository, with the login, and only at the realm", async () => {
    const { registry, network, client } = setUp({ auth: { kind: "bearer", ...login }, login });
    for (const name of ["one", "two"]) registry.pushImage(name, { tag: "1" });
    await client.manifest("one", "1", signal);
    await client.manifest("one", "1", signal);
    await client.manifest("two", "1", signal);
    expect(network.dialled).toEqual([
      { method: "GET", url: "https://registry.example/v2/one/manifests/1" },
      {
        method: "GET",
        url: "https://registry.example/token?scope=repository%3Aone%3Apull&service=registry.example",
        authorization: basic,
      },
      { method: "GET", url: "https://registry.example/v2/one/manifests/1", authorization: "Bearer token-1" },
      { method: "GET", url: "https://registry.example/v2/one/manifests/1", authorization: "Bearer token-1" },
      {
        method: "GET",
        url: "https://registry.example/token?scope=repository%3Atwo%3Apull&service=registry.example",
        authorization: basic,
      },
      { method: "GET", url: "https://registry.example/v2/two/manifests/1", authorization: "Bearer token-2" },
    ]);
  });

  test("many look-ups at once share a token", async () => {
    const { registry, network, client } = setUp({ auth: { kind: "bearer", ...login }, login });
    registry.pushImage("app", { tag: "1" });
    await client.manifest("app", "1", signal);
    const before = network.dialled.length;
    await Promise.all(Array.from({ length: 20 }, () => client.manifest("app", "1", signal)));
    expect(network.dialled.length - before).toBe(20);
  });

  test("a token that the registry has forgotten is replaced once", async () => {
    const { registry, client } = setUp({ auth: { kind: "bearer", ...login }, login });
    registry.pushImage("app", { tag: "1" });
    await client.manifest("app", "1", signal);
    registry.misbehave = on(
      /manifests/,
      firstTimes(
        1,
        answers(401, { "www-authenticate": `Bearer realm="https://${host}/token",service="${host}"` }),
      ),
    );
    expect((await client.manifest("app", "1", signal)).manifest.kind).toBe("manifest");
  });

  test("basic authentication", async () => {
    const { registry, client } = setUp({ auth: { kind: "basic", ...login }, login });
    registry.pushImage("app", { tag: "1" });
    expect((await client.manifest("app", "1", signal)).manifest.kind).toBe("manifest");
  });

  test("a wrong password is denied", async () => {
    const { client } = setUp({ auth: { kind: "bearer", ...login }, login: { ...login, password: "x" } });
    expect(await failure(client.manifest("app", "1", signal))).toEqual({
      code: "denied",
      message: "registry.example: its token realm registry.example answered 401",
    });
  });

  test.each([
    "http://auth.example/token",
    "https://169.254.169.254/latest",
    "https://127.0.0.1/token",
    "https://2130706433/token",
    "https://0x7f.1/token",
    "https://[::1]/token",
    "https://[::ffff:7f00:1]/token",
    "https://10.0.0.1/token",
    "https://localhost/token",
    "https://x.localhost./token",
    "https://metadata.google.internal/",
    "https://user:pw@auth.example/token",
    "file:///etc/passwd",
    "nonsense",
  ])("the realm %s is refused and causes no connection", async (realm) => {
    const { network, client } = setUp({ auth: { kind: "bearer", realm, ...login }, login });
    expect((await failure(client.manifest("app", "1", signal))).code).toBe("refused");
    expect(network.dialled.map(({ url }) => url)).toEqual(["https://registry.example/v2/app/manifests/1"]);
  });

  test.each([
    ["without a word for it, no credentials", [], undefined],
    ["named by the source, with credentials", ["auth.example"], basic],
  ])("a realm on another host: %s", async (_name, tokenRealms, authorization) => {
    const realm = new Hono().get("/token", (c) => c.json({ token: "other" }));
    const { network, client } = setUp(
      { auth: { kind: "bearer", realm: "https://auth.example/token", ...login }, login, tokenRealms },
      { "auth.example": realm },
    );
    expect((await failure(client.manifest("app", "1", signal))).code).toBe("denied");
    expect(
      network.dialled.filter(({ url }) => url.includes("auth.example")).map((one) => one.authorization),
    ).toEqual([authorization]);
  });

  test("Docker Hub is dialled at its own address, and its realm gets its credentials", async () => {
    const realm = "https://auth.docker.io/token";
    const registry = fakeRegistry({ host: "auth.docker.io", auth: { kind: "bearer", realm, ...login } });
    registry.pushImage("library/nginx", { tag: "1" });
    const network = fakeNetwork({ "registry-1.docker.io": registry.app, "auth.docker.io": registry.app });
    const client = createRegistries({
      connections: [{ registries: ["docker.io"], credential: () => Promise.resolve(login) }],
      fetch: network.fetch,
      now,
    }).client("docker.io");
    expect((await client.manifest("library/nginx", "1", signal)).manifest.kind).toBe("manifest");
    expect(network.dialled.map(({ url, authorization }) => [new URL(url).host, authorization])).toEqual([
      ["registry-1.docker.io", undefined],
      ["auth.docker.io", basic],
      ["registry-1.docker.io", "Bearer token-1"],
    ]);
  });

  test("a password never goes over plain HTTP", async () => {
    const registry = fakeRegistry({ auth: { kind: "basic", ...login } });
    const network = fakeNetwork({ [host]: registry.app });
    const client = createRegistries({
      connections: [{ registries: [host], credential: () => Promise.resolve(login), plainHttp: true }],
      fetch: network.fetch,
      now,
    }).client(host);
    expect((await failure(client.manifest("app", "1", signal))).code).toBe("denied");
    expect(network.dialled).toEqual([{ method: "GET", url: "http://registry.example/v2/app/manifests/1" }]);
  });
});

describe("redirects", () => {
  test("a blob may come from elsewhere, which gets no credentials", async () => {
    const storage = new Hono().get("/blob", (c) => c.body("hello"));
    const { registry, network, client } = setUp(
      { auth: { kind: "bearer", ...login }, login },
      { "storage.example": storage },
    );
    const blob = registry.pushBlob("hello");
    registry.misbehave = on(/blobs/, async (_request, next) => {
      const response = await next();
      return response.status === 200
        ? new Response(null, { status: 307, headers: { location: "https://storage.example/blob" } })
        : response;
    });
    expect(Buffer.from(await client.blob("app", blob, signal)).toString()).toBe("hello");
    expect(network.dialled.at(-1)).toEqual({ method: "GET", url: "https://storage.example/blob" });
  });

  test.each([
    "http://storage.example/blob",
    "https://169.254.169.254/",
    "https://localhost:8443/",
    "https://[fe80::1]/",
    "https://a:b@storage.example/",
    "gopher://x/",
  ])("to %s is refused and not followed", async (location) => {
    const { registry, network, client } = setUp();
    registry.misbehave = redirects(location);
    expect((await failure(client.manifest("app", "1", signal))).code).toBe("refused");
    expect(network.dialled.length).toBe(1);
  });

  test("in a circle end after three", async () => {
    const { registry, network, client } = setUp();
    registry.misbehave = redirects("/v2/app/manifests/1");
    expect((await failure(client.manifest("app", "1", signal))).code).toBe("refused");
    expect(network.dialled.length).toBe(4);
  });

  test("a foreign host's challenge is not answered", async () => {
    const storage = new Hono().get("/x", (c) => c.body("", 401, { "www-authenticate": "Basic realm=x" }));
    const { registry, network, client } = setUp({ login }, { "storage.example": storage });
    registry.misbehave = redirects("https://storage.example/x");
    expect((await failure(client.manifest("app", "1", signal))).code).toBe("denied");
    expect(network.dialled.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
  });
});

describe("referrers", () => {
  const wanted = "application/vnd.in-toto+json";

  test.each(["api", "tag"] as const)("by %s", async (referrers) => {
    const { registry, client } = setUp({ referrers });
    const image = registry.pushImage("app", { tag: "1" });
    const report = registry.attach("app", image, { artifactType: wanted, content: "{}" });
    expect(await client.referrers("app", image.digest, {}, signal)).toEqual({
      descriptors: [{ ...report, artifactType: wanted }],
      whole: true,
    });
    const other = registry.pushImage("app", { content: "other" });
    expect(await client.referrers("app", other.digest, {}, signal)).toEqual({ descriptors: [], whole: true });
  });

  test.each([true, false])("of one type, from a registry that filters: %s", async (filters) => {
    const { registry, client } = setUp({ filters });
    const image = registry.pushImage("app");
    registry.attach("app", image, { artifactType: "application/spdx+json", content: "{}" });
    const report = registry.attach("app", image, { artifactType: wanted, content: "{}" });
    const list = await client.referrers("app", image.digest, { artifactType: wanted }, signal);
    expect(list.descriptors.map(({ digest }) => digest)).toEqual([report.digest]);
  });

  test("come page by page, and no more than twenty pages", async () => {
    const { registry, client } = setUp({ pageSize: 2 });
    const image = registry.pushImage("app");
    for (let n = 0; n < 50; n++) registry.attach("app", image, { artifactType: wanted, content: `${n}` });
    const list = await client.referrers("app", image.digest, {}, signal);
    expect([list.descriptors.length, list.whole]).toEqual([40, false]);
  });

  test("whose next page is elsewhere are refused", async () => {
    const { registry, network, client } = setUp();
    const image = registry.pushImage("app");
    registry.misbehave = async (_request, next) => {
      const response = await next();
      const headers = new Headers(response.headers);
      headers.set("link", '<https://evil.example/next>; rel="next"');
      return new Response(response.body, { headers });
    };
    expect((await failure(client.referrers("app", image.digest, {}, signal))).code).toBe("refused");
    expect(network.dialled.length).toBe(1);
  });
});

test("a registry that no source names has no client", () => {
  const { registries } = setUp();
  expect(() => registries.client("evil.example")).toThrow("no source names the registry evil.example");
});
