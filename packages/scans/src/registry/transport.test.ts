import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { serverCertificate } from "../testing/server-certificate.ts";
import { createRegistryFetch, type RegistryRequest } from "./transport.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const request = (more: Partial<RegistryRequest> = {}): RegistryRequest => ({
  method: "GET",
  headers: { accept: "text/plain" },
  signal: AbortSignal.timeout(5000),
  redirect: "manual",
  reach: "any",
  ...more,
});
const failure = async (work: Promise<unknown>): Promise<unknown> =>
  await work.then(
    () => "done",
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

describe("over TLS", () => {
  test("dials the endpoint, under the registry's name, with its authority", async () => {
    const { certificate, key, authority } = await serverCertificate("registry.example");
    const seen: unknown[] = [];
    const port = await listen(
      createSecureServer({ cert: certificate, key }, (incoming, outgoing) => {
        seen.push([incoming.method, incoming.url, incoming.headers.host, incoming.headers.accept]);
        outgoing.setHeader("x-two", ["a", "b"]).writeHead(200).end("hello");
      }),
    );
    const fetch = createRegistryFetch();
    const connect = { host: "127.0.0.1", port };
    const response = await fetch("https://registry.example/v2/?n=1", request({ ca: authority, connect }));
    expect([response.status, response.headers.get("x-two"), await response.text(), seen]).toEqual([
      200,
      "a, b",
      "hello",
      [["GET", "/v2/?n=1", "registry.example", "text/plain"]],
    ]);
    expect(await failure(fetch("https://registry.example/", request({ connect })))).toBe(
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    );
    expect(await failure(fetch("https://other.example/", request({ ca: authority, connect })))).toBe(
      "ERR_TLS_CERT_ALTNAME_INVALID",
    );
  });
});

describe("over plain HTTP", () => {
  test.each([
    ["http://127.0.0.1", "private", "127.0.0.1 is not an address that this connection may lead to"],
    ["http://localhost", "private", "EADDRREFUSED"],
    ["http://localhost", "public", "EADDRREFUSED"],
    ["http://127.0.0.1", "any", "done"],
    ["http://localhost", "any", "done"],
  ] as const)("%s with reach %s: %s", async (origin, reach, expected) => {
    let connections = 0;
    const server = createServer((_incoming, outgoing) => outgoing.end("hello"));
    server.on("connection", () => connections++);
    const port = await listen(server);
    expect(await failure(createRegistryFetch()(`${origin}:${port}/`, request({ reach })))).toBe(expected);
    expect(connections).toBe(expected === "done" ? 1 : 0);
  });

  test("redirects are given back, not followed", async () => {
    const port = await listen(
      createServer((_incoming, outgoing) => outgoing.writeHead(307, { location: "/elsewhere" }).end()),
    );
    const response = await createRegistryFetch()(`http://127.0.0.1:${port}/`, request());
    expect([response.status, response.headers.get("location")]).toEqual([307, "/elsewhere"]);
  });

  test("a connection is used again, also after an answer without a body", async () => {
    let connections = 0;
    const server = createServer((incoming, outgoing) => {
      outgoing.writeHead(200, { "x-a": "b", "content-length": "5" });
      outgoing.end(incoming.method === "HEAD" ? undefined : "hello");
    });
    server.on("connection", () => connections++);
    const port = await listen(server);
    const fetch = createRegistryFetch();
    const seen = [];
    for (const method of ["HEAD", "GET", "HEAD", "GET"] as const) {
      const response = await fetch(`http://127.0.0.1:${port}/`, request({ method }));
      seen.push([response.headers.get("x-a"), await response.text()]);
      // The socket goes back to its pool in the turn after the answer's end.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    expect(seen).toEqual([
      ["b", ""],
      ["b", "hello"],
      ["b", ""],
      ["b", "hello"],
    ]);
    expect(connections).toBe(1);
  });

  test("ends with its signal, also in the middle of a body", async () => {
    const port = await listen(
      createServer((_incoming, outgoing) => {
        outgoing.writeHead(200, { "content-length": "10" }).write("half");
      }),
    );
    const stop = new AbortController();
    const response = await createRegistryFetch()(
      `http://127.0.0.1:${port}/`,
      request({ signal: stop.signal }),
    );
    const body = failure(response.text());
    stop.abort();
    expect(await body).not.toBe("done");
  });
});
