// oxlint-disable-next-line import/no-unassigned-import -- x509 needs the polyfill and nothing of what it exports
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import * as x509 from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createKube } from "./client.ts";
import { resources } from "./resources.ts";
import { createTransport } from "./transport.ts";
import { createFakeApi, listen, type ListeningApi } from "./testing/index.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

interface Pair {
  readonly cert: string;
  readonly key: string;
}

async function pem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/** A certificate authority and a certificate by it for 127.0.0.1. */
async function issue(): Promise<{ ca: string; leaf: Pair }> {
  x509.cryptoProvider.set(globalThis.crypto);
  const authority = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=test authority",
    keys: authority,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const leaf = await x509.X509CertificateGenerator.create({
    subject: "CN=server",
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: authority.privateKey,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
  });
  return { ca: ca.toString("pem"), leaf: { cert: leaf.toString("pem"), key: await pem(keys.privateKey) } };
}

describe("the connection", () => {
  let mine: Awaited<ReturnType<typeof issue>>;
  let others: Awaited<ReturnType<typeof issue>>;
  let server: ListeningApi;
  let mutual: ListeningApi;
  beforeAll(async () => {
    [mine, others] = [await issue(), await issue()];
    server = await listen(createFakeApi(), { tls: mine.leaf });
    mutual = await listen(createFakeApi(), { tls: { ...mine.leaf, clientCa: mine.ca } });
  });
  afterAll(async () => {
    await server.close();
    await mutual.close();
  });

  test("trusts the config's authority and no other", async () => {
    const kube = createKube({ ...server.config, ca: mine.ca });
    expect((await kube.list(resources.pods)).items).toEqual([]);
    for (const ca of [undefined, others.ca]) {
      const wrong = createKube({ ...server.config, ca });
      await expect(wrong.serverVersion()).rejects.toMatchObject({ code: "unavailable" });
    }
    const renamed = createKube({ ...server.config, ca: mine.ca, tlsServerName: "another.test" });
    await expect(renamed.serverVersion()).rejects.toThrow("another.test");
  });

  test("shows its client certificate where one is asked for", async () => {
    const { config } = mutual;
    if (config.credentials.kind !== "token") throw new Error("the fake's config has a token");
    const { token } = config.credentials;
    const get = (pair: Pair) => () => Promise.resolve({ token, certificate: pair.cert, key: pair.key });
    const kube = createKube({
      ...config,
      ca: mine.ca,
      credentials: { kind: "provider", get: get(mine.leaf) },
    });
    expect((await kube.list(resources.pods)).items).toEqual([]);
    for (const credentials of [config.credentials, { kind: "provider", get: get(others.leaf) } as const]) {
      const refused = createKube({ ...config, ca: mine.ca, credentials });
      await expect(refused.serverVersion()).rejects.toMatchObject({ code: "unavailable" });
    }
  });

  test("ignores the proxies of the environment", async () => {
    const before = process.env["HTTPS_PROXY"];
    process.env["HTTPS_PROXY"] = "http://127.0.0.1:1";
    try {
      const kube = createKube({ ...server.config, ca: mine.ca });
      expect(await kube.serverVersion()).toEqual({ major: 1, minor: 34, gitVersion: "v1.34.0" });
    } finally {
      if (before === undefined) delete process.env["HTTPS_PROXY"];
      else process.env["HTTPS_PROXY"] = before;
    }
  });

  test("goes by the proxy that it is handed, and past it where that says so", async () => {
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on("connect", (request, near: Socket) => {
      asked.push(request.url ?? "");
      const [host, port] = (request.url ?? "").split(":");
      const far = connect(Number(port), host, () => {
        near.write("HTTP/1.1 200 Connection Established\r\n\r\n");
        far.pipe(near).pipe(far);
      });
      far.on("error", () => near.destroy());
      near.on("error", () => far.destroy());
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const proxyEnv = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    const version = async (env: Record<string, string>) => {
      const fetch = createTransport({ proxyEnv: env });
      const signal = AbortSignal.timeout(10_000);
      const answer = await fetch(`${server.config.server}/version`, {
        method: "GET",
        headers: {},
        signal,
        tls: { ca: mine.ca },
      });
      await answer.body?.cancel();
      return answer.status;
    };
    const host = new URL(server.config.server).host;
    const direct = await version({});
    expect([await version(proxyEnv), asked]).toEqual([direct, [host]]);
    expect([await version({ ...proxyEnv, NO_PROXY: "127.0.0.1" }), asked]).toEqual([direct, [host]]);
    proxy.closeAllConnections();
    proxy.close();
  });
});
