/** The observer's work once it holds the lease: to follow the cluster, keep reports fresh and judge all of it again. */
import type { Kube } from "@gatehouse/kube";
import type { BackgroundEvent, Cluster, GateConfig, Platform, Policy } from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import type { Log } from "../judge/log.ts";
import { createBackground, type Background, type VerdictChange } from "./background.ts";
import { nextBoundary } from "./boundaries.ts";
import { watchCluster, type ClusterWatch } from "./inventory/watch-cluster.ts";
import type { ObserverMetrics } from "./metrics.ts";
import { createReportStore, type ReportStore } from "./reports/report-store.ts";

/** What it works with. */
export interface ObserveOptions {
  kube: Kube;
  config: Pick<GateConfig, "mode" | "running" | "excludedNamespaces"> & { cluster: Cluster };
  /** The policy of the moment. The same object while nothing changed. */
  policy: () => Policy;
  /** Platforms that the cluster can schedule; empty: all. */
  platforms: () => readonly Platform[];
  lookUp: LookUp;
  /** Takes the event about a verdict that came out otherwise. */
  emit: (event: BackgroundEvent) => void;
  eventOf: (change: VerdictChange) => BackgroundEvent;
  metrics: Pick<
    ObserverMetrics,
    "lookUps" | "verdictChanges" | "judgingSeconds" | "watchErrors" | "failures"
  >;
  log: Log;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** The observer's parts while it holds the lease. */
export interface Observation {
  readonly watch: ClusterWatch;
  readonly reports: ReportStore;
  readonly background: Background;
  /** True once the whole cluster was read. */
  hasSynced(): boolean;
  /** Judges everything again if policy, platforms or the date have changed. To be called often. */
  tick(): void;
  stop(): Promise<void>;
}

/** Starts to observe. */
export function observe(options: ObserveOptions): Observation {
  const { kube, config, metrics, log, now } = options;
  let synced = false;
  const reports = createReportStore({
    lookUp: options.lookUp,
    changed: (wanted) => background.reportChanged(wanted),
    lookedUp: (outcome) => metrics.lookUps.inc({ outcome }),
    now,
  });
  const watch = watchCluster(kube, {
    excludedNamespaces: config.excludedNamespaces,
    workloadChanged: (key) => background.workloadChanged(key),
    namespaceChanged: (name) => background.namespaceChanged(name),
    onError(error) {
      metrics.watchErrors.inc();
      log("warn", "a watch failed; it goes on by itself", { error });
    },
  });
  const background = createBackground({
    cluster: config.cluster,
    mode: config.mode,
    running: config.running ?? [],
    policy: options.policy,
    platforms: options.platforms,
    watch,
    reports,
    changed(change) {
      metrics.verdictChanges.inc({ aspect: change.aspect, to: change.ruling.inDenyMode });
      options.emit(options.eventOf(change));
    },
    judged: (milliseconds) => metrics.judgingSeconds.observe(milliseconds / 1000),
    onError(error) {
      metrics.failures.inc();
      log("error", "a workload could not be judged", { error });
    },
    now,
  });
  watch.whenSynced.then(
    () => {
      synced = true;
      log("info", "the inventory was read", { workloads: watch.workloads.size, ...watch.counts() });
      return undefined;
    },
    () => undefined,
  );

  let policy = options.policy();
  let platforms = options.platforms().join();
  let boundary = nextBoundary(policy, now());

  return {
    watch,
    reports,
    background,
    hasSynced: () => synced,
    tick() {
      const current = options.policy();
      const currentPlatforms = options.platforms().join();
      if (current === policy && currentPlatforms === platforms && now() < boundary) return;
      policy = current;
      platforms = currentPlatforms;
      boundary = nextBoundary(policy, now());
      background.everythingChanged();
    },
    async stop() {
      background.stop();
      reports.stop();
      await watch.stop();
    },
  };
}
