import { createServer, request, type IncomingHttpHeaders, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pod, review, secret, testApp, workload } from "../testing/fixtures.ts";
import { admissionListener } from "./admission-listener.ts";
import { bodyLimit } from "./body.ts";
import { createSecretCheck } from "./secrets.ts";

const { app, admission } = testApp();
const path = `/validate/${secret}?timeout=10s`;
let server: Server;
let port = 0;

beforeAll(async () => {
  const listener = admissionListener({ admission, secret: createSecretCheck([secret]) });
  server = createServer((incoming, outgoing) => {
    if (listener(incoming, outgoing)) return;
    incoming.resume();
    outgoing.end("left to the app");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

function send(
  body: string | Uint8Array,
  change: { method?: string; path?: string; headers?: Record<string, string>; chunked?: boolean } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = { "content-type": "application/json", ...change.headers };
    if (change.chunked !== true) headers["content-length"] ??= String(Buffer.byteLength(body));
    const { method = "POST" } = change;
    const sent = request({ port, method, path: change.path ?? path, headers, agent: false }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: text }));
    });
    sent.on("error", reject);
    sent.write(body);
    sent.end();
  });
}

const text = (body: unknown) => JSON.stringify(body);
const good = text(review(workload(["registry.example/clean:1"]), { uid: "uid-1" }));

describe("a call of an API server", () => {
  it.each<[string, string | Uint8Array, string]>([
    ["of what is clean", good, path],
    ["of what is bad", text(review(pod(["registry.example/bad:1"]), { uid: "uid-2" })), path],
    ["to pin", text(review(pod(["registry.example/clean:1"]), { uid: "uid-3" })), `/pin/${secret}`],
    ["without JSON", "{", path],
    ["without UTF-8", Uint8Array.of(0x22, 0xff, 0x22), path],
    ["without a body", "", path],
    ["in many pieces", text(review(pod(["x".repeat(500_000)]), { uid: "uid-4" })), path],
    ["without a review", "[]", path],
  ])("%s is answered as by the app", async (_, body, target) => {
    const { status, headers, body: answered } = await send(body, { path: target });
    const same = await app.request(target, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) },
      body,
    });
    expect([status, headers["content-type"], answered]).toEqual([
      same.status,
      same.headers.get("content-type"),
      await same.text(),
    ]);
  });

  it("that breaks off is nothing that is judged, and the next one is answered", async () => {
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => {
        const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{`;
        socket.write(head, () => socket.destroy());
      });
      socket.on("error", reject);
      socket.on("close", () => resolve());
    });
    expect((await send(good)).status).toBe(200);
  });
});

describe("everything else", () => {
  it.each<[string, Parameters<typeof send>[1]]>([
    ["another method", { method: "PUT" }],
    ["another type", { headers: { "content-type": "text/plain" } }],
    ["a type with a parameter", { headers: { "content-type": "application/json; charset=utf-8" } }],
    ["an encoding", { headers: { "content-encoding": "gzip" } }],
    ["no length", { chunked: true }],
    ["another path", { path: `/other/${secret}` }],
    ["a longer path", { path: `/validate/${secret}/more` }],
    ["another secret", { path: `/validate/${secret}x` }],
    ["an escaped path", { path: `/validate/${secret.replace("a", "%61")}` }],
    ["another parameter", { path: `/validate/${secret}?dry=1` }],
  ])("%s is left to the app", async (_, change) => {
    expect((await send(good, change)).body).toBe("left to the app");
  });

  it("a body that is too long is left to the app, unread", async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(
          `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${bodyLimit + 1}\r\n\r\n`,
        );
      });
      socket.on("error", reject);
      socket.on("data", (chunk) => {
        resolve(chunk.toString("utf8"));
        socket.destroy();
      });
    });
    expect(answer).toContain("left to the app");
  });
});
