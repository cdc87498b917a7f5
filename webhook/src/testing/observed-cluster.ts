/** What the observer's tests are built from: a cluster in memory, an observer over it, and callers with rights. */
import { createFakeApi, serviceAccountUser, type FakeApi } from "@gatehouse/kube/testing";
import {
  policyHash,
  unscanned,
  type ImageScan,
  type Mode,
  type Policy,
  type RunningDigests,
} from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import type { Hono } from "hono";
import { createBackgroundEvents } from "../observer/background-events.ts";
import { createEventStore, type EventStore } from "../observer/events/event-store.ts";
import { createReviewStore } from "../observer/events/review-store.ts";
import { dashboard } from "../observer/dashboard/dashboard.ts";
import { createAccess } from "../observer/http/access.ts";
import { observerApp } from "../observer/http/app.ts";
import { createImpactService } from "../observer/impact-service.ts";
import { createObserverMetrics, type ObserverMetrics } from "../observer/metrics.ts";
import { observe, type Observation } from "../observer/observe.ts";
import { now as moment, policy as fixturePolicy, scans as fixtureScans } from "./fixtures.ts";

/** Rights as `verb resource namespace`, or `verb resource *` for all namespaces, by user name. */
export type Rights = Readonly<Record<string, readonly string[]>>;

/** A cluster that is observed. */
export interface ObservedCluster {
  api: FakeApi;
  app: Hono;
  observation: Observation;
  events: EventStore;
  metrics: ObserverMetrics;
  /** Scans by reference; change them and call `lookAgain`. */
  scans: Map<string, ImageScan>;
  /** Lines that the observer wrote. */
  lines: string[];
  logs: string[];
  clock: { now: number };
  /** Swaps the policy in force. */
  setPolicy: (policy: Policy) => void;
  /** Resolves when nothing is left to look up or judge. */
  settled: () => Promise<void>;
  /** Looks every tag up again. */
  lookAgain: () => Promise<void>;
  get: (path: string, token?: string) => Promise<Response>;
  post: (path: string, body: unknown, token?: string, type?: string) => Promise<Response>;
  /** A token of the service account `namespace:name` for an audience. */
  token: (account: string, audience?: string, seconds?: number) => string;
  stop: () => Promise<void>;
}

/** An observer over a cluster with these objects. */
export async function observedCluster(
  options: {
    objects?: readonly Record<string, unknown>[];
    rights?: Rights;
    policy?: Policy;
    mode?: Mode;
    running?: RunningDigests;
    excludedNamespaces?: readonly string[];
    lookUp?: LookUp;
  } = {},
): Promise<ObservedCluster> {
  const rights = options.rights ?? {
    "system:serviceaccount:gate:admin": ["create impact *", "get inventory *", "get events *"],
  };
  const clock = { now: moment };
  const now = () => clock.now;
  const api = createFakeApi({
    now,
    authorize: (user, attributes) =>
      "resource" in attributes &&
      attributes.group === "gatehouse.dev" &&
      (rights[user.username] ?? []).includes(
        `${attributes.verb} ${attributes.resource} ${attributes.namespace ?? "*"}`,
      ),
  });
  for (const object of options.objects ?? []) api.put(object as never);
  const scans = new Map(Object.entries(fixtureScans));
  const lookUp: LookUp =
    options.lookUp ??
    ((reference) => {
      const byDigest = [...scans].find(
        ([tag, { digest }]) => reference === `${tag.replace(/:[^:/]*$/, "")}@${digest}`,
      );
      return Promise.resolve(
        scans.get(reference) ?? byDigest?.[1] ?? unscanned("absent", "never scanned", "memory"),
      );
    });
  let policy = options.policy ?? fixturePolicy;
  const hash = policyHash(policy);
  const mode = options.mode ?? "deny";
  const lines: string[] = [];
  const logs: string[] = [];
  const events = createEventStore();
  const metrics = createObserverMetrics({ policyHash: hash, mode, version: "test" }, () => ({
    objects: observation.watch.counts(),
    workloads: observation.background.size,
    queue: observation.background.queue,
    images: observation.reports.size,
    imagesPending: observation.reports.pending,
    imageStates: observation.reports.states(),
    oldestReportMs: observation.reports.oldestMs(),
    inventoryAgeMs: 0,
    events: events.size,
    eventBytes: events.bytes,
    verdicts: new Map(),
    holder: true,
  }));
  let ids = 0;
  const cluster = { name: "test" };
  const kube = api.kube({ sleep: async () => {}, random: () => 0.5 });
  const observation: Observation = observe({
    kube,
    config: {
      mode,
      cluster,
      excludedNamespaces: [...(options.excludedNamespaces ?? [])],
      ...(options.running === undefined ? {} : { running: options.running }),
    },
    policy: () => policy,
    platforms: () => ["linux/amd64"],
    lookUp,
    eventOf: createBackgroundEvents({
      instance: "observer-0",
      cluster,
      policyHash: hash,
      newId: () => `background-${++ids}`,
      now,
    }),
    emit(event) {
      lines.push(JSON.stringify(event));
      events.receive([event]);
    },
    metrics,
    log: (level, message, fields) =>
      void logs.push(
        `${level} ${message} ${fields?.["error"] instanceof Error ? fields["error"].message : ""}`.trim(),
      ),
    now,
  });
  await observation.watch.whenSynced;
  const { background, reports } = observation;
  const settled = async () => {
    do {
      await background.idle();
      await reports.freshen(Number.POSITIVE_INFINITY, AbortSignal.timeout(10_000));
      await background.idle();
    } while (background.queue > 0 || reports.pending > 0);
  };
  await settled();
  const inForce = () => ({ policy, mode, running: options.running ?? [] });
  const access = createAccess(kube, { now });
  const log = (level: string, message: string) => void logs.push(`${level} ${message}`);
  const app = observerApp({
    access,
    background: () => background,
    snapshot: {
      cluster: "test",
      policyHash: hash,
      inForce,
      reviews: createReviewStore(),
      pending: () => reports.pending,
      lookUp,
      now,
    },
    impact: createImpactService({
      inForce,
      emergencies: () => ({}),
      subjects: (visible) => background.impactSubjects(visible),
      async freshen(signal) {
        await background.idle();
        return await reports.freshen(-1, signal);
      },
      now,
    }),
    events,
    epoch: "e1",
    judge: "system:serviceaccount:gate:judge",
    metrics,
    notReady: () => (observation.hasSynced() ? undefined : "the cluster is being read"),
    log,
  });
  app.route(
    "/",
    dashboard({
      access,
      background: () => background,
      events,
      regime: inForce,
      health: () => ({
        version: "test",
        cluster: "test",
        mode,
        policyHash: hash,
        notReady: undefined,
        certificates: [{ name: "of this server", notAfter: moment + 86_400_000 }],
        sources: [{ name: "memory", kind: "file" }],
        heardAt: moment,
        parts: [
          {
            name: "Reports",
            well: true,
            detail: `${background.size} of wgpolicyk8s.io/v1alpha2 PolicyReport`,
          },
        ],
      }),
      metrics,
      log,
      now,
    }),
  );
  const headers = (token: string | undefined) => (token === undefined ? {} : { "x-gatehouse-token": token });
  return {
    api,
    app,
    observation,
    events,
    metrics,
    scans,
    lines,
    logs,
    clock,
    setPolicy(next) {
      policy = next;
      observation.tick();
    },
    settled,
    async lookAgain() {
      await reports.freshen(-1, AbortSignal.timeout(10_000));
      await background.idle();
    },
    get: async (path, token) => await app.request(path, { headers: headers(token) }),
    post: async (path, body, token, type = "application/json") =>
      await app.request(path, {
        method: "POST",
        headers: { "content-type": type, ...headers(token) },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    token(account, audience = "gatehouse", seconds) {
      const [namespace = "", name = ""] = account.split(":");
      return api.token(serviceAccountUser(namespace, name, `uid-${name}`), [audience], seconds);
    },
    async stop() {
      await observation.stop();
    },
  };
}

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
/** Digest of `registry.example/bad:1` in the fixtures. */
export const badDigest = digestOf("b");

/** An object with a template, of any kind but Pod. */
export function templated(
  kind: string,
  path: `${string}/${string}`,
  image: string,
  change: { spec?: Record<string, unknown>; labels?: Record<string, string>; owner?: object } = {},
): Record<string, unknown> {
  const [namespace = "", name = ""] = path.split("/");
  const template = {
    metadata: { labels: change.labels ?? { app: name } },
    spec: { containers: [{ name: "main", image }] },
  };
  const apiVersion =
    kind === "PodTemplate" || kind === "ReplicationController"
      ? "v1"
      : kind === "Job" || kind === "CronJob"
        ? "batch/v1"
        : "apps/v1";
  const metadata = {
    name,
    namespace,
    uid: `${kind}-${namespace}-${name}`,
    ...(change.owner === undefined ? {} : { ownerReferences: [change.owner] }),
  };
  if (kind === "PodTemplate") return { apiVersion, kind, metadata, template };
  const spec = kind === "CronJob" ? { jobTemplate: { spec: { template } } } : { template };
  return { apiVersion, kind, metadata, spec: { ...spec, ...change.spec } };
}

/** A reference to an owner that `templated` made. */
export function ownedBy(
  kind: string,
  path: `${string}/${string}`,
  apiVersion = "apps/v1",
): Record<string, unknown> {
  const [namespace = "", name = ""] = path.split("/");
  return { apiVersion, kind, name, uid: `${kind}-${namespace}-${name}`, controller: true };
}

/** A Pod that runs one image, with the digest that its node says it has. */
export function runningPod(
  path: `${string}/${string}`,
  image: string,
  change: { owner?: object; imageId?: string; phase?: string; annotations?: Record<string, string> } = {},
): Record<string, unknown> {
  const [namespace = "", name = ""] = path.split("/");
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      uid: `Pod-${namespace}-${name}`,
      labels: { app: "web" },
      ...(change.annotations === undefined ? {} : { annotations: change.annotations }),
      ...(change.owner === undefined ? {} : { ownerReferences: [change.owner] }),
    },
    spec: { containers: [{ name: "main", image }] },
    status: {
      phase: change.phase ?? "Running",
      ...(change.imageId === undefined
        ? {}
        : { containerStatuses: [{ name: "main", imageID: change.imageId }] }),
    },
  };
}
