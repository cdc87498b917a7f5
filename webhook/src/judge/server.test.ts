import { EventEmitter } from "node:events";
import { Agent, request } from "node:https";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { describe, expect, it } from "vitest";
import { createAuthority, issueServerCertificate, readAuthority } from "../tls/certificate.ts";
import { createObserverPost } from "./observer-post.ts";
import { listenOn, startServer } from "./server.ts";

const life = 86_400_000;
const authority = readAuthority(createAuthority({ name: "test", now: Date.now(), lifeMs: life }));
const issue = () =>
  issueServerCertificate(authority, {
    dnsNames: ["localhost"],
    ipAddresses: ["127.0.0.1"],
    now: Date.now(),
    lifeMs: life,
  });

const start = (fetch: (request: Request) => Response | Promise<Response>) =>
  startServer({ fetch, host: "127.0.0.1", port: 0, leaf: issue() });

function get(
  url: string,
  agent?: Agent,
): Promise<{ status: number | undefined; reused: boolean; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ca: authority.pem, agent: agent ?? false }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => resolve({ status: answer.statusCode, reused: sent.reusedSocket, text }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** Serial number of the certificate that a new connection is shown. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca: authority.pem }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("the server", () => {
  it("keeps connections, and shows new ones a new certificate", async () => {
    const server = await start(() => new Response("ok"));
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: authority.pem });
    const before = await shown(server.port);
    expect(await get(server.url, agent)).toEqual({ status: 200, reused: false, text: "ok" });
    server.show(issue());
    expect(await get(server.url, agent)).toEqual({ status: 200, reused: true, text: "ok" });
    expect(await shown(server.port)).not.toBe(before);
    agent.destroy();
    await server.close(1000);
  });

  it("ends connections with an answer that says so, once it retires", async () => {
    const server = await start(() => new Response("ok"));
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: authority.pem });
    expect(await get(server.url, agent)).toEqual({ status: 200, reused: false, text: "ok" });
    server.retire();
    expect(await get(server.url, agent)).toEqual({ status: 200, reused: true, text: "ok" });
    // The agent has read that the connection ends, and has opened another.
    expect(await get(server.url, agent)).toEqual({ status: 200, reused: false, text: "ok" });
    agent.destroy();
    await server.close(1000);
  });

  it("finishes what is under way when it closes, and takes nothing new", async () => {
    let release = () => {};
    let arrived = () => {};
    const isHere = new Promise<void>((resolve) => (arrived = resolve));
    const go = new Promise<void>((resolve) => (release = resolve));
    const server = await start(async () => {
      arrived();
      await go;
      return new Response("done");
    });
    const underWay = get(server.url);
    await isHere;
    const closed = server.close(60_000);
    await expect(get(server.url)).rejects.toThrow(/ECONNREFUSED/);
    release();
    expect((await underWay).text).toBe("done");
    await closed;
  });

  it("does not wait for ever", async () => {
    let arrived = () => {};
    const isHere = new Promise<void>((resolve) => (arrived = resolve));
    const server = await start(async () => {
      arrived();
      return await new Promise<Response>(() => {});
    });
    const cut = expect(get(server.url)).rejects.toThrow(/socket hang up|ECONNRESET/);
    await isHere;
    await server.close(50);
    await cut;
  });

  it("lives on when clients talk nonsense", async () => {
    const server = await start(() => new Response("ok"));
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port: server.port, ca: authority.pem }, () =>
        socket.end("\u0000\u0001 nonsense\r\n\r\n"),
      );
      socket.on("error", reject);
      socket.on("close", () => resolve());
      socket.resume();
    });
    await expect(get(server.url)).resolves.toMatchObject({
      status: 200,
    });
    await server.close(1000);
  });
});

describe("listenOn", () => {
  /** A server on a machine that has only these addresses. */
  function only(...hosts: string[]) {
    const asked: string[] = [];
    const server = Object.assign(new EventEmitter(), {
      listen(_port: number, host: string, done: () => void) {
        asked.push(host);
        const error = Object.assign(new Error(`listen ${host}`), { code: "EAFNOSUPPORT" });
        queueMicrotask(() => (hosts.includes(host) ? done() : server.emit("error", error)));
      },
    });
    return { asked, server: server as unknown as Parameters<typeof listenOn>[0] };
  }

  it("takes every address of IPv4 where there is no IPv6, and no other in place of one that was named", async () => {
    const both = only("::", "0.0.0.0");
    await listenOn(both.server, { host: "::", port: 1 });
    const four = only("0.0.0.0", "127.0.0.1");
    await listenOn(four.server, { host: "::", port: 1 });
    expect([both.asked, four.asked]).toEqual([["::"], ["::", "0.0.0.0"]]);
    await expect(listenOn(four.server, { host: "::1", port: 1 })).rejects.toThrow("listen ::1");
    await expect(listenOn(only().server, { host: "::", port: 1 })).rejects.toThrow("listen 0.0.0.0");
  });
});

describe("createObserverPost", () => {
  it("posts a batch with its token, to whom it trusts only", async () => {
    const folder = await mkdtemp(join(tmpdir(), "post-"));
    const caFile = join(folder, "ca.crt");
    const tokenFile = join(folder, "token");
    const strangers = join(folder, "other.crt");
    await writeFile(caFile, authority.pem);
    await writeFile(tokenFile, "a-token\n");
    await writeFile(strangers, createAuthority({ name: "x", now: Date.now(), lifeMs: life }).certificate);
    const got: unknown[] = [];
    const server = await start(async (received) => {
      got.push([
        received.method,
        new URL(received.url).pathname,
        received.headers.get("content-type"),
        received.headers.get("x-gatehouse-token"),
        await received.text(),
      ]);
      return new Response("", { status: got.length === 1 ? 202 : 503 });
    });
    const url = `${server.url}/events`;
    const signal = AbortSignal.timeout(10_000);
    await createObserverPost({ url, caFile, tokenFile })("[1,2]", signal);
    expect(got).toEqual([["POST", "/events", "application/cloudevents-batch+json", "a-token", "[1,2]"]]);
    await expect(createObserverPost({ url, caFile })("[]", signal)).rejects.toThrow(
      "the observer answered 503",
    );
    await expect(createObserverPost({ url, caFile: strangers })("[]", signal)).rejects.toThrow();
    await expect(
      createObserverPost({ url, caFile, tokenFile: join(folder, "none") })("[]", signal),
    ).rejects.toThrow(/ENOENT/);
    expect(got).toHaveLength(2);
    await server.close(1000);
    await rm(folder, { recursive: true });
  });
});
