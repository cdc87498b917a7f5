/** A whole observer from its parts: lease, inventory, reports, TLS server, timers. What `main.ts` starts and stops. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { holdLease, type Kube } from "@gatehouse/kube";
import type { Exemption, Platform } from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import type { JudgeStart } from "../judge/config.ts";
import { createEmergencyStore, emergencyPrefix } from "../judge/emergency.ts";
import type { LineWriter } from "../judge/line-writer.ts";
import type { Log } from "../judge/log.ts";
import { startMetricsServer } from "../judge/metrics-server.ts";
import { startServer, type Listen } from "../judge/server.ts";
import { createLeaf } from "../tls/leaf.ts";
import { createBackgroundEvents } from "./background-events.ts";
import { dashboard } from "./dashboard/dashboard.ts";
import type { HealthFacts } from "./dashboard/models/health.ts";
import { createEventStore } from "./events/event-store.ts";
import { createReviewStore } from "./events/review-store.ts";
import { createAccess } from "./http/access.ts";
import { observerApp } from "./http/app.ts";
import { createImpactService } from "./impact-service.ts";
import { createObserverMetrics, type ObserverMetrics } from "./metrics.ts";
import { observe, type Observation } from "./observe.ts";
import { observedState } from "./observed-state.ts";
import { createOutlets } from "./outlets.ts";

/** Name of the Lease that the one observer at work holds, in the gate's namespace. */
export const leaseName = "gatehouse-observer";

/** What an observer is run with besides its configuration. */
export interface RunObserverOptions {
  start: Pick<JudgeStart, "config" | "policy" | "authorities">;
  version: string;
  listen: Listen;
  /** Where metrics are shown. @default nowhere */
  metricsListen?: Listen | undefined;
  /** Names that its certificate bears besides those of its service. */
  dnsNames: readonly string[];
  /** Addresses that its certificate bears. */
  ipAddresses: readonly string[];
  /** Folder of break-glass exemptions. @default there are none */
  emergencyDirectory?: string | undefined;
  /** Unique in the cluster: the Pod's name. @default the host's name */
  instance?: string | undefined;
  /** Built by the caller, who may want metrics of it. */
  lookUp: LookUp;
  kube: Kube;
  /** Platforms of the nodes, for a configuration that leaves them to be read. Empty: all. */
  nodePlatforms?: (() => readonly Platform[]) | undefined;
  /** Takes the observer's own events, one line each. */
  output: Pick<LineWriter, "write" | "flush">;
  log: Log;
  /** The environment, where it says by which proxy the outside is reached. */
  proxyEnv?: Readonly<Record<string, string | undefined>> | undefined;
  /** The lease was lost: whoever runs the process ends it, and it begins anew. */
  lost: () => void;
  /** Milliseconds since 1970. @default Date.now */
  now?: (() => number) | undefined;
  /** @default 15 */
  leaseSeconds?: number | undefined;
}

/** An observer that answers. */
export interface RunningObserver {
  url: string;
  port: number;
  /** `https://127.0.0.1:9464`; undefined where none are shown. */
  metricsUrl: string | undefined;
  metrics: ObserverMetrics;
  /** Undefined while another instance holds the lease. */
  observation(): Observation | undefined;
  stop(options?: { graceMs?: number }): Promise<void>;
}

/** How often certificates and break-glass are looked at, in milliseconds. */
const tickMs = 30_000;
/** How often it is asked whether policy, platforms or date have changed: cheap, and an impact waits for it. */
const lookMs = 1_000;
const defaultGraceMs = 5_000;
/** Tags that were looked up longer ago than this are looked up again for an impact, in milliseconds. */
const freshTagMs = 30_000;

/** Starts an observer. Rejects when it cannot listen. */
export async function runObserver(options: RunObserverOptions): Promise<RunningObserver> {
  const { start, log, output, kube } = options;
  const { config } = start;
  const now = options.now ?? Date.now;
  const instance = options.instance ?? hostname();
  const { namespace, serviceAccount, service } = config.gate;
  let observation: Observation | undefined;
  let stopping = false;

  const events = createEventStore({
    dropped: () => metrics.eventsForgotten.inc(),
    taken: (event) => outlets.taken(event),
  });
  const metrics = createObserverMetrics(
    { policyHash: config.policyHash, mode: config.mode, version: options.version },
    () => observedState(observation, events, now()),
  );
  const emergencies = createEmergencyStore({
    directory: options.emergencyDirectory,
    policy: start.policy,
    now,
    log,
    report(exemptions, problems) {
      metrics.emergencyExemptions.set(exemptions);
      metrics.emergencyProblems.set(problems);
    },
  });
  await emergencies.refresh();

  const [signer] = start.authorities;
  const dnsNames = [
    `${service}-observer.${namespace}.svc`,
    `${service}-observer.${namespace}.svc.cluster.local`,
  ];
  const leaf = createLeaf({
    authority: signer,
    dnsNames: [...dnsNames, ...options.dnsNames],
    ipAddresses: options.ipAddresses,
    now,
  });
  const showExpiry = () =>
    metrics.certificateExpiry.set({ certificate: "leaf" }, leaf.current().notAfter / 1000);
  showExpiry();

  const eventOf = createBackgroundEvents({
    instance,
    cluster: config.cluster,
    policyHash: config.policyHash,
    newId: randomUUID,
    now,
  });
  const platforms = () =>
    config.platforms === "nodes" ? (options.nodePlatforms?.() ?? []) : config.platforms;
  const begin = () =>
    observe({
      kube,
      config,
      policy: () => emergencies.policy(),
      platforms,
      lookUp: options.lookUp,
      eventOf,
      emit(event) {
        output.write(`${JSON.stringify(event)}\n`);
        events.receive([event]);
      },
      metrics,
      log,
      now,
    });

  const notReady = (): string | undefined => {
    if (stopping) return "it is stopping";
    if (!leaf.valid()) return "its certificate is not valid at this time";
    if (observation === undefined) return "another instance holds the lease";
    return observation.hasSynced() ? undefined : "the cluster is being read";
  };
  const access = createAccess(kube, { now });
  const inForce = () => ({ policy: emergencies.policy(), mode: config.mode, running: config.running ?? [] });
  const outlets = createOutlets({
    config,
    kube,
    instance,
    observation: () => observation,
    regime: inForce,
    metrics,
    proxyEnv: options.proxyEnv,
    log,
    now,
  });
  outlets.start();
  const app = observerApp({
    access,
    background: () => observation?.background,
    snapshot: {
      cluster: config.cluster.name,
      policyHash: config.policyHash,
      inForce,
      reviews: createReviewStore(),
      pending: () => observation?.reports.pending ?? 0,
      lookUp: options.lookUp,
      now,
    },
    impact: createImpactService({
      inForce,
      emergencies: () => emergencyExemptions(emergencies.policy().exemptions),
      subjects: (visible) => observation?.background.impactSubjects(visible) ?? [],
      async freshen(signal) {
        // What changed just now is judged with the rest.
        observation?.tick();
        await observation?.background.idle();
        return (await observation?.reports.freshen(freshTagMs, signal)) ?? 0;
      },
      now,
      done: (milliseconds) => metrics.impactSeconds.observe(milliseconds / 1000),
    }),
    events,
    epoch: randomUUID().replaceAll("-", "").slice(0, 12),
    judge: `system:serviceaccount:${namespace}:${serviceAccount}`,
    metrics,
    notReady,
    log,
  });
  const health = (): HealthFacts => ({
    version: options.version,
    cluster: config.cluster.name,
    mode: config.mode,
    policyHash: config.policyHash,
    notReady: notReady(),
    certificates: [
      { name: "of this server", notAfter: leaf.current().notAfter },
      ...start.authorities.map(({ notAfter }, at) => ({
        name: at === 0 ? "of the authority that signs" : `of authority ${at + 1}`,
        notAfter,
      })),
    ],
    sources: config.sources.map(({ name, type }) => ({ name, kind: type })),
    heardAt: observation?.watch.lastHeard(),
    parts: outlets.parts(),
  });
  app.route(
    "/",
    dashboard({
      access,
      background: () => observation?.background,
      events,
      regime: inForce,
      health,
      metrics,
      log,
      now,
    }),
  );
  const metricsServer = await startMetricsServer(
    {
      text: () => metrics.show(),
      contentType: metrics.registry.contentType,
      failures: metrics.failures,
      log,
    },
    options.metricsListen,
    leaf.current(),
  );
  const server = await startServer({ fetch: app.fetch, ...options.listen, leaf: leaf.current() });

  const lease = holdLease(kube, {
    namespace,
    name: leaseName,
    identity: `${instance}-${randomUUID()}`,
    durationSeconds: options.leaseSeconds ?? 15,
    onAcquired() {
      log("info", "the lease is ours");
      observation = begin();
    },
    onLost() {
      if (stopping) return;
      log("error", "the lease was lost");
      void observation?.stop();
      observation = undefined;
      options.lost();
    },
    onError: (error) => log("warn", "the lease cannot be read or written", { error }),
  });

  const tick = setInterval(() => {
    if (leaf.renewIfDue()) {
      server.show(leaf.current());
      metricsServer?.show(leaf.current());
      showExpiry();
    }
    void emergencies.refresh();
  }, tickMs);
  tick.unref();
  const look = setInterval(() => observation?.tick(), lookMs);
  look.unref();

  return {
    url: server.url,
    port: server.port,
    metricsUrl: metricsServer?.url,
    metrics,
    observation: () => observation,
    async stop({ graceMs = defaultGraceMs } = {}) {
      if (stopping) return;
      stopping = true;
      clearInterval(tick);
      clearInterval(look);
      await Promise.all([
        server.close(graceMs),
        metricsServer?.close(graceMs),
        observation?.stop(),
        outlets.stop(),
      ]);
      await outlets.close(graceMs);
      await lease.stop();
      await output.flush();
    },
  };
}

function emergencyExemptions(all: Readonly<Record<string, Exemption>>): Record<string, Exemption> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith(emergencyPrefix)));
}
