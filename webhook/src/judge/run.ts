/** A whole judge from its parts: files, sources, TLS server, timers. What `main.ts` starts and stops. */
import { hostname } from "node:os";
import { performance } from "node:perf_hooks";
import { emergencyEvent, type Platform } from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import { createLeaf } from "../tls/leaf.ts";
import { createAdmission } from "./admission.ts";
import { admissionListener } from "./admission-listener.ts";
import { judgeApp } from "./app.ts";
import type { JudgeStart } from "./config.ts";
import { createDirectory, type ReadMetadata } from "./directory.ts";
import { createEmergencyStore } from "./emergency.ts";
import { createEventPipeline } from "./events.ts";
import { showExemptionExpiry } from "./exemption-expiry.ts";
import { createJudge } from "./judge.ts";
import type { LineWriter } from "./line-writer.ts";
import type { Log } from "./log.ts";
import type { JudgeMetrics } from "./metrics.ts";
import type { ObserverSink } from "./observer-sink.ts";
import { startMetricsServer } from "./metrics-server.ts";
import { createSecretCheck } from "./secrets.ts";
import { startServer, type Listen } from "./server.ts";

/** What a judge is run with besides its configuration. */
export interface RunOptions {
  start: JudgeStart;
  listen: Listen;
  /** Where metrics are shown. @default nowhere */
  metricsListen?: Listen | undefined;
  /** Names that its certificate bears. */
  dnsNames: readonly string[];
  /** Addresses that its certificate bears. */
  ipAddresses: readonly string[];
  /** Folder of break-glass exemptions. @default there are none */
  emergencyDirectory?: string | undefined;
  /** Unique in the cluster: the Pod's name. @default the host's name */
  instance?: string | undefined;
  lookUp: LookUp;
  readMetadata: ReadMetadata;
  /** Platforms of the nodes, for a configuration that leaves them to be read. Empty: all. */
  nodePlatforms?: (() => readonly Platform[]) | undefined;
  metrics: JudgeMetrics;
  /** Takes events, one line each. */
  output: LineWriter;
  /** Takes events and reviews, for the observer. @default it is told nothing */
  observer?: ObserverSink | undefined;
  log: Log;
  /** Milliseconds since 1970. @default Date.now */
  now?: (() => number) | undefined;
  /** When decisions are made, where that is not now: for trying a policy out. Certificates go by `now`. */
  decideAt?: (() => number) | undefined;
}

/** A judge that answers. */
export interface RunningJudge {
  url: string;
  port: number;
  /** `https://127.0.0.1:9464`; undefined where none are shown. */
  metricsUrl: string | undefined;
  /** Fails readiness, waits until that is known, finishes what is under way and writes all events. */
  stop(options?: { unreadyMs?: number; graceMs?: number }): Promise<void>;
}

/** How often the clock is looked at for certificates, and break-glass is read; milliseconds. */
const tickMs = 30_000;
/** How long endpoints take to learn that a Pod is on its way out. */
const defaultUnreadyMs = 5_000;
/** Longer than the longest deadline of an admission. */
const defaultGraceMs = 31_000;
/** For a scrape under way. */
const metricsGraceMs = 1_000;

/** Starts a judge. Rejects when it cannot listen. */
export async function runJudge(options: RunOptions): Promise<RunningJudge> {
  const { start, metrics, log, output } = options;
  const now = options.now ?? Date.now;
  const { platforms } = start.config;
  const instance = options.instance ?? hostname();
  let stopping = false;

  const [signer] = start.authorities;
  const leaf = createLeaf({
    authority: signer,
    dnsNames: options.dnsNames,
    ipAddresses: options.ipAddresses,
    now,
  });
  const showExpiry = () => {
    metrics.certificateExpiry.set({ certificate: "leaf" }, leaf.current().notAfter / 1000);
    for (const [index, authority] of start.authorities.entries()) {
      const certificate = index === 0 ? "authority" : `authority-${index + 1}`;
      metrics.certificateExpiry.set({ certificate }, authority.notAfter / 1000);
    }
  };
  showExpiry();
  showExemptionExpiry(metrics.registry, start.policy, now);

  const emergencies = createEmergencyStore({
    directory: options.emergencyDirectory,
    policy: start.policy,
    now,
    log,
    changed: (state) =>
      void output.write(
        `${JSON.stringify(emergencyEvent({ instance, cluster: start.config.cluster.name, at: now(), ...state }))}\n`,
      ),
    report(exemptions, problems) {
      metrics.emergencyExemptions.set(exemptions);
      metrics.emergencyProblems.set(problems);
    },
  });
  await emergencies.refresh();

  const events = createEventPipeline({
    sinks: [
      (event) => void output.write(`${event}\n`),
      ...(options.observer === undefined ? [] : [options.observer.sink]),
    ],
    reviews: options.observer?.reviews,
    settled: () => output.settled(),
    dropped: () => metrics.eventsDropped.inc({ sink: "reviews" }),
  });
  const admission = createAdmission({
    judge: createJudge({
      config: start.config,
      platforms: () => (platforms === "nodes" ? (options.nodePlatforms?.() ?? []) : platforms),
      policy: () => emergencies.policy(),
      lookUp: options.lookUp,
      directory: createDirectory(options.readMetadata),
      instance,
      now: options.decideAt ?? now,
    }),
    events,
    metrics,
    log,
    clock: () => performance.now(),
    now,
  });
  const secret = createSecretCheck(start.secrets);
  const app = judgeApp({
    admission,
    secret,
    metrics,
    log,
    notReady: () =>
      stopping ? "it is stopping" : leaf.valid() ? undefined : "its certificate is not valid at this time",
  });
  const metricsServer = await startMetricsServer(
    {
      text: () => metrics.registry.metrics(),
      contentType: metrics.registry.contentType,
      failures: metrics.failures,
      log,
    },
    options.metricsListen,
    leaf.current(),
  );
  const server = await startServer({
    first: admissionListener({ admission, secret }),
    fetch: app.fetch,
    ...options.listen,
    leaf: leaf.current(),
  });

  const tick = setInterval(() => {
    if (leaf.renewIfDue()) {
      server.show(leaf.current());
      metricsServer?.show(leaf.current());
      showExpiry();
      log("info", "a new certificate", { notAfter: new Date(leaf.current().notAfter).toISOString() });
    }
    void emergencies.refresh();
  }, tickMs);
  tick.unref();

  async function stop(times: { unreadyMs?: number; graceMs?: number } = {}): Promise<void> {
    if (stopping) return;
    stopping = true;
    server.retire();
    await new Promise((resolve) => setTimeout(resolve, times.unreadyMs ?? defaultUnreadyMs));
    await server.close(times.graceMs ?? defaultGraceMs);
    clearInterval(tick);
    events.flush();
    await Promise.all([output.flush(), options.observer?.close(), metricsServer?.close(metricsGraceMs)]);
  }
  return { url: server.url, port: server.port, metricsUrl: metricsServer?.url, stop };
}
