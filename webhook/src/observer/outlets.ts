/** Where the observer tells what it knows without being asked: event sink, Kubernetes Events and reports, as configured. */
import type { Kube } from "@gatehouse/kube";
import type { GateConfig } from "@gatehouse/policy";
import type { Log } from "../judge/log.ts";
import type { HealthFacts } from "./dashboard/models/health.ts";
import { createSurvey, type Regime } from "./dashboard/survey.ts";
import type { StoredEvent } from "./events/event-store.ts";
import type { ObserverMetrics } from "./metrics.ts";
import type { Observation } from "./observe.ts";
import { createEventSink } from "./sink/event-sink.ts";
import { createSend } from "./sink/send-events.ts";
import { sinkMetrics } from "./sink/sink-metrics.ts";
import { createKubeEvents } from "./state/kube-events.ts";
import { createReportWriter } from "./state/report-writer.ts";

/** All outlets as one, for whoever has something to tell. */
export interface Outlets {
  /** Takes an event that was not known. Never throws, never waits. */
  taken(event: StoredEvent): void;
  /** How each fares. */
  parts(): HealthFacts["parts"];
  /** Begins to write reports. */
  start(): void;
  /** Writes no more reports. */
  stop(): Promise<void>;
  /** Sends what waits for the sink, for at most so long. */
  close(graceMs: number): Promise<void>;
}

/** What is configured, and what there is to tell. */
export interface OutletsOptions {
  config: Pick<GateConfig, "eventSink" | "clusterState">;
  kube: Kube;
  /** Who reports a Kubernetes Event: `reportingInstance`. */
  instance: string;
  /** Undefined while another instance holds the lease: the cluster is its to write to. */
  observation: () => Observation | undefined;
  /** Policy, mode and digests on record, as they are in force now. */
  regime: () => Regime;
  metrics: Pick<ObserverMetrics, "registry">;
  /** The environment, for its `HTTPS_PROXY` and `NO_PROXY`. */
  proxyEnv: Readonly<Record<string, string | undefined>> | undefined;
  log: Log;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Those that the configuration asks for. */
export function createOutlets(options: OutletsOptions): Outlets {
  const { config, kube, observation, log, now } = options;
  const sink = openSink(options);
  const { reports: wanted = true, events: which = "denied" } = config.clusterState ?? {};
  const kubeEvents =
    which === "none" ? undefined : createKubeEvents({ kube, which, instance: options.instance, log, now });
  const background = () => observation()?.background;
  let stopping = false;
  const reports = wanted
    ? createReportWriter({
        kube,
        workloads: () =>
          observation()?.hasSynced() === true && !stopping ? background()?.values() : undefined,
        settled: () => background()?.queue === 0,
        survey: createSurvey({ background, regime: options.regime, now }),
        log,
        now,
      })
    : undefined;
  return {
    taken(event) {
      sink?.push(event.text);
      if (observation() !== undefined) kubeEvents?.taken(event);
    },
    parts: () => [
      ...(sink === undefined
        ? []
        : [
            {
              name: "Event sink",
              well: sink.problem === undefined,
              detail: sink.problem ?? "it takes events",
            },
          ]),
      ...(reports === undefined ? [] : [{ name: "Reports", ...reports.state() }]),
      ...(kubeEvents === undefined ? [] : [{ name: "Kubernetes Events", ...kubeEvents.state() }]),
    ],
    start: () => reports?.start(),
    async stop() {
      stopping = true;
      await reports?.stop();
    },
    async close(graceMs) {
      await sink?.close(graceMs);
    },
  };
}

function openSink({ config, metrics, proxyEnv, log, now }: OutletsOptions) {
  const { eventSink } = config;
  if (eventSink === undefined) return undefined;
  const counts = sinkMetrics(metrics.registry, () => sink.waiting);
  const sink = createEventSink({
    format: eventSink.format ?? "batched",
    send: createSend(eventSink, { now, proxyEnv }),
    sent: (count) => counts.sent(count),
    dropped: (count, reason) => counts.dropped(count, reason),
    log,
  });
  return sink;
}
