/** The bundled observer as a process, over an API server in memory that listens on loopback. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resources } from "@gatehouse/kube";
import {
  createFakeApi,
  listen,
  serviceAccountUser,
  type FakeApi,
  type ListeningApi,
} from "@gatehouse/kube/testing";
import {
  canonicalJson,
  judgedKinds,
  policyHash,
  type EventSinkConfig,
  type GateConfig,
  type Impact,
} from "@gatehouse/policy";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { buildObserver, bundleLimit, type Bundle } from "../../build.ts";
import { createObserverPost } from "../judge/observer-post.ts";
import { policy } from "../testing/fixtures.ts";
import { templated } from "../testing/observed-cluster.ts";
import { createAuthority, issueServerCertificate, readAuthority } from "../tls/certificate.ts";
import { leaseName } from "./run.ts";

let folder: string;
let bundle: Bundle;
let ca: string;
let tls: { cert: string; key: string };
let api: FakeApi;
let server: ListeningApi;
let observers: Started[] = [];

const observerUser = serviceAccountUser("gatehouse", "gatehouse-observer", "uid-observer");

/** All that the observer may do. */
function mayObserve(attributes: {
  verb: string;
  group: string;
  resource: string;
  namespace: string;
}): boolean {
  const { verb, group, resource, namespace } = attributes;
  if (resource === "leases") return namespace === "gatehouse" && ["get", "create", "update"].includes(verb);
  const watched = [
    ...judgedKinds.map(({ apiGroup, plural }) => `${apiGroup}/${plural}`),
    "/namespaces",
    "/nodes",
  ];
  return ["list", "watch"].includes(verb) && watched.includes(`${group}/${resource}`);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "observer-"));
  bundle = await buildObserver(join(folder, "observer.mjs"));
  const authority = createAuthority({ name: "test", now: Date.now(), lifeMs: 86_400_000 });
  ca = authority.certificate;
  const leaf = issueServerCertificate(readAuthority(authority), {
    dnsNames: ["localhost"],
    ipAddresses: ["127.0.0.1"],
    now: Date.now(),
    lifeMs: 3_600_000,
  });
  tls = { cert: leaf.certificate, key: leaf.key };
  await mkdir(join(folder, "ca"));
  await mkdir(join(folder, "account"));
  await mkdir(join(folder, "reports"));
  await writeFile(join(folder, "ca", "tls.crt"), authority.certificate);
  await writeFile(join(folder, "ca", "tls.key"), authority.key);
  await writeFile(join(folder, "account", "ca.crt"), ca);
  await writeFile(join(folder, "account", "namespace"), "gatehouse");
  await writeFile(join(folder, "policy.json"), canonicalJson(policy));
  await configure("config.json");
});

async function configure(file: string, eventSink?: EventSinkConfig): Promise<void> {
  const config: GateConfig = {
    version: 1,
    cluster: { name: "test" },
    mode: "audit",
    policyHash: policyHash(policy),
    platforms: "nodes",
    sources: [],
    pin: true,
    excludedNamespaces: ["kube-system"],
    gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
    ...(eventSink === undefined ? {} : { eventSink }),
  };
  await writeFile(join(folder, file), JSON.stringify(config));
}

afterAll(async () => {
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  api = createFakeApi({
    authorize(user, attributes) {
      if (!("resource" in attributes)) return false;
      const { verb, group = "", resource, namespace = "" } = attributes;
      if (user.username === observerUser.username) return mayObserve({ verb, group, resource, namespace });
      return group === "gatehouse.dev" && user.username === "system:serviceaccount:gatehouse:preview";
    },
  });
  api.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  api.put(templated("Deployment", "shop/web", "registry.example/web:1") as never);
  api.put(templated("Deployment", "kube-system/dns", "registry.example/dns:1") as never);
  server = await listen(api, { tls });
  await writeFile(join(folder, "account", "token"), api.token(observerUser));
});

afterEach(async () => {
  for (const { child } of observers) child.kill("SIGKILL");
  await Promise.all(observers.map(({ exit }) => exit));
  observers = [];
  await server.close();
});

interface Started {
  child: ChildProcess;
  output: () => string;
  errors: () => string;
  exit: Promise<number | null>;
  url: () => Promise<string>;
}

function start(name: string, more: readonly string[] = []): Started {
  const args =
    "--config config.json --policy policy.json --ca ca --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --ip 127.0.0.1 --service-account account";
  const { port } = new URL(server.url);
  const child = spawn(process.execPath, [bundle.file, ...args.split(" "), "--instance", name, ...more], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: port },
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve));
  const started = {
    child,
    exit,
    output: () => output,
    errors: () => errors,
    url: () => until(() => /"url":"(https:[^"]+)"/.exec(errors)?.[1]),
  };
  observers.push(started);
  return started;
}

async function until<T>(what: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await what();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function ask(
  url: string,
  { token, body }: { token?: string; body?: unknown } = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        ca,
        method: body === undefined ? "GET" : "POST",
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { "x-gatehouse-token": token }),
        },
        agent: false,
      },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const ready = (url: string) =>
  until(async () => ((await ask(`${url}/readyz`)).status === 200 ? true : undefined));

const viewer = () => api.token(serviceAccountUser("gatehouse", "preview", "uid-preview"), ["gatehouse"]);

async function ownersOf(url: string): Promise<string[]> {
  const { text } = await ask(`${url}/v1/inventory`, { token: viewer() });
  return (JSON.parse(text) as { items: { owner: string }[] }).items.map(({ owner }) => owner);
}

test("the bundle fits into a ConfigMap, has the same bytes each time and names no folder of ours", async () => {
  expect(bundle.bytes).toBeLessThanOrEqual(bundleLimit);
  const again = await buildObserver(join(folder, "elsewhere", "observer.mjs"));
  expect([again.sha256, again.bytes]).toEqual([bundle.sha256, bundle.bytes]);
  expect(await readFile(bundle.file, "utf8")).not.toContain(process.cwd());
});

test("one observes, another waits, and takes over when the first has gone", async () => {
  const first = start("one");
  const url = await first.url();
  await ready(url);
  const second = start("two");
  const other = await second.url();
  expect(await ask(`${other}/readyz`)).toEqual({
    status: 503,
    text: "not ready: another instance holds the lease\n",
  });
  expect((await ask(`${other}/v1/inventory`, { token: viewer() })).status).toBe(503);
  expect((await ask(`${other}/healthz`)).status).toBe(200);

  const strict = { ...policy.rules["no-criticals"], onScan: { ...policy.rules["no-criticals"]?.onScan } };
  const proposal = { policy: { ...policy, rules: { "no-criticals": strict } }, mode: "deny" };
  const { status, text } = await ask(`${url}/v1/impact`, { token: viewer(), body: proposal });
  expect(status).toBe(200);
  const impact = JSON.parse(text) as Impact;
  // No source names the registry, which this rule does not let pass.
  expect(impact.newlyDenied.map(({ owner, images }) => [owner, images[0]?.state])).toEqual([
    ["shop/Deployment/web", "unsupported"],
  ]);

  first.child.kill("SIGTERM");
  expect(await first.exit).toBe(0);
  await ready(other);
  expect(await ownersOf(other)).toEqual(["shop/Deployment/web"]);
  const metrics = /"metrics":"(https:[^"]+)"/.exec(second.errors())?.[1];
  expect((await ask(`${metrics}/metrics`)).text).toContain("gatehouse_observer_holder 1");
});

/** An admission of this number, as a judge tells it. */
const eventOf = (number: number) => ({
  specversion: "1.0",
  type: "io.gatehouse.admission.v1",
  source: "/clusters/test/judges/judge-0",
  id: `request-${number}`,
  time: "2026-11-22T12:00:00.000Z",
  data: { object: { namespace: "shop" }, key: `k${number}`, count: 1 },
});

/** Hands events in as a judge does, with the token of an account. */
async function post(url: string, account: string, events: readonly object[]): Promise<void> {
  const tokenFile = join(folder, `token-${account}`);
  await writeFile(tokenFile, api.token(serviceAccountUser("gatehouse", account, "uid"), ["gatehouse"]));
  const caFile = join(folder, "ca", "tls.crt");
  const send = createObserverPost({ url: `${url}/v1/events`, caFile, tokenFile });
  await send(JSON.stringify(events), AbortSignal.timeout(5_000));
}

test("a judge's events arrive, proven by its own token", async () => {
  const observer = start("one");
  const url = await observer.url();
  await ready(url);
  const event = eventOf(1);
  await post(url, "gatehouse", [event]);
  await expect(post(url, "somebody", [event])).rejects.toThrow("the observer answered 403");
  const { text } = await ask(`${url}/v1/events`, { token: viewer() });
  expect((JSON.parse(text) as { events: unknown[] }).events).toMatchObject([{ count: 1, event }]);
});

test("watches that end or have expired cost nothing but a new list", async () => {
  const observer = start("one");
  const url = await observer.url();
  await ready(url);
  expect(await ownersOf(url)).toEqual(["shop/Deployment/web"]);
  api.compact();
  api.closeWatches("break");
  api.put(templated("StatefulSet", "shop/db", "registry.example/db:1") as never);
  await until(async () => ((await ownersOf(url)).length === 2 ? true : undefined));
  expect(await ownersOf(url)).toEqual(["shop/Deployment/web", "shop/StatefulSet/db"]);
});

test("whoever loses the lease ends, so that it begins anew", async () => {
  const observer = start("one");
  await ready(await observer.url());
  const [lease] = api.objects(resources.leases);
  expect(lease?.metadata.name).toBe(leaseName);
  api.put({
    ...lease,
    metadata: { name: leaseName, namespace: "gatehouse" },
    spec: { holderIdentity: "somebody", leaseDurationSeconds: 15 },
  });
  expect(await observer.exit).toBe(1);
  expect(observer.errors()).toContain("the lease was lost");
});

test("it does not start from a wrong configuration, and says all of why last on standard error", async () => {
  const observer = start("one", ["--policy", "missing.json", "--ca", "nowhere"]);
  expect(await observer.exit).toBe(1);
  expect(observer.errors()).toContain("the observer's configuration has");
  expect(observer.errors()).toContain("missing.json: cannot be read");
  expect(observer.errors()).toContain("nowhere");
});

interface SinkRequest {
  type: string | undefined;
  agent: string | undefined;
  authorization: string | undefined;
  body: string;
}

/** A receiver over TLS, which takes events from whoever has the right token. */
async function openReceiver(
  token: string,
): Promise<{ url: string; requests: SinkRequest[]; close: () => void }> {
  const requests: SinkRequest[] = [];
  const receiver = createServer(tls, (incoming, outgoing) => {
    let body = "";
    incoming.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    incoming.on("end", () => {
      const { "content-type": type, "user-agent": agent, authorization } = incoming.headers;
      requests.push({ type, agent, authorization, body });
      outgoing.writeHead(authorization === token ? 202 : 401).end();
    });
  });
  await new Promise<void>((resolve) => {
    receiver.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `https://127.0.0.1:${(receiver.address() as AddressInfo).port}/events`,
    requests,
    close() {
      receiver.close();
      receiver.closeAllConnections();
    },
  };
}

test("the configured sink gets batches of CloudEvents, with the headers of the file as it is now", async () => {
  const receiver = await openReceiver("Bearer renewed");
  const headers = (token: string) =>
    writeFile(join(folder, "headers.json"), JSON.stringify({ Authorization: `Bearer ${token}` }));
  await headers("first");
  await configure("sink.json", { url: receiver.url, headersFile: "headers.json", caFile: "ca/tls.crt" });
  const observer = start("one", ["--config", "sink.json", "--metrics-listen", "127.0.0.1:0"]);
  const url = await observer.url();
  await ready(url);
  const events = [eventOf(1), eventOf(2), eventOf(3)];
  await post(url, "gatehouse", events);
  await until(() => receiver.requests[0]);
  await headers("renewed");
  const taken = await until(() =>
    receiver.requests.find(({ authorization }) => authorization === "Bearer renewed"),
  );
  const [refused] = receiver.requests;
  const type = "application/cloudevents-batch+json; charset=utf-8";
  const agent = "gatehouse-observer";
  expect(refused).toEqual({ type, agent, authorization: "Bearer first", body: taken.body });
  expect({ ...taken, body: JSON.parse(taken.body) as unknown }).toEqual({
    type,
    agent,
    authorization: "Bearer renewed",
    body: events,
  });
  const metrics = /"metrics":"(https:[^"]+)"/.exec(observer.errors())?.[1] ?? "";
  const counted = await until(async () => {
    const { text } = await ask(`${metrics}/metrics`);
    return text.includes("gatehouse_event_sink_sent_total 3") ? text : undefined;
  });
  expect(counted).toContain("gatehouse_event_sink_waiting 0");
  expect(observer.errors()).toContain("the event sink does not take events");
  expect(observer.errors()).not.toContain("Bearer");
  receiver.close();
});

test("a sink whose certificate is of no authority that is named gets nothing, and events wait", async () => {
  const receiver = await openReceiver("");
  await configure("sink.json", { url: receiver.url });
  const observer = start("one", ["--config", "sink.json"]);
  const url = await observer.url();
  await ready(url);
  await post(url, "gatehouse", [eventOf(1)]);
  await until(() => (observer.errors().includes("the event sink does not take events") ? true : undefined));
  expect(observer.errors()).toMatch(/does not take events.*(certificate|SELF_SIGNED|issuer)/i);
  expect(receiver.requests).toEqual([]);
  receiver.close();
});
