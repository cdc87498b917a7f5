import { scanStates, type ScanState } from "@gatehouse/policy";
import type { ScanMetrics } from "@gatehouse/scans";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { declareIn } from "../judge/declare-metrics.ts";
import { scanMetrics } from "../judge/scan-metrics.ts";

/** Seconds. */
const buckets = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What the gauges are read from when somebody scrapes. */
export interface ObservedState {
  /** Objects held, by kind. */
  objects: Readonly<Record<string, number>>;
  workloads: number;
  /** Workloads that wait to be judged again. */
  queue: number;
  images: number;
  imagesPending: number;
  imageStates: ReadonlyMap<ScanState, number>;
  /** Milliseconds since the image that was not looked up for longest was. */
  oldestReportMs: number;
  /** Milliseconds since the inventory was known to be up to date; undefined before it was read. */
  inventoryAgeMs: number | undefined;
  events: number;
  eventBytes: number;
  /** Workloads by aspect and by what mode deny would do. */
  verdicts: ReadonlyMap<string, number>;
  holder: boolean;
}

/** What `/metrics` of the observer shows. No label's values are chosen by a requester. */
export interface ObserverMetrics {
  registry: Registry;
  scans: ScanMetrics;
  kubeCalls: Counter<"outcome">;
  lookUps: Counter<"outcome">;
  verdictChanges: Counter<"aspect" | "to">;
  judgingSeconds: Histogram;
  impactSeconds: Histogram;
  eventsReceived: Counter<"outcome">;
  eventsForgotten: Counter;
  requests: Counter<"route" | "status">;
  watchErrors: Counter;
  failures: Counter;
  certificateExpiry: Gauge<"certificate">;
  emergencyExemptions: Gauge;
  emergencyProblems: Gauge;
  /** Text in Prometheus' form. */
  show(): Promise<string>;
}

/** Metrics in a registry of their own; `state` is asked at each scrape. */
export function createObserverMetrics(
  info: { policyHash: string; mode: string; version: string },
  state: () => ObservedState,
): ObserverMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "gatehouse_info",
    help: "The policy and mode in force",
    labelNames: ["policy_hash", "mode", "version"] as const,
    registers,
  }).set({ policy_hash: info.policyHash, mode: info.mode, version: info.version }, 1);

  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const labelled = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge<L>({ name, help, labelNames: [...labelNames], registers });
  const counted = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers });
  const timed = (name: string, help: string) => new Histogram({ name, help, buckets, registers });

  const objects = labelled("gatehouse_observer_objects", "Objects held, by kind", ["kind"]);
  const workloads = gauge("gatehouse_observer_workloads", "Top owners in the inventory");
  const queue = gauge("gatehouse_observer_queue", "Workloads that wait to be judged again");
  const images = gauge("gatehouse_observer_images", "Images that are kept fresh");
  const pending = gauge("gatehouse_observer_images_pending", "Images that were not looked up yet");
  const byState = labelled("gatehouse_observer_image_states", "Images, by the state of their scan", [
    "state",
  ]);
  const oldest = gauge(
    "gatehouse_observer_oldest_report_seconds",
    "Since the image that was not looked up for longest was",
  );
  const age = gauge(
    "gatehouse_observer_inventory_age_seconds",
    "Since the inventory was known to be up to date",
  );
  const events = gauge("gatehouse_observer_events", "Different events held");
  const eventBytes = gauge("gatehouse_observer_event_bytes", "Characters of the events held");
  const verdicts = labelled(
    "gatehouse_observer_verdicts",
    "Workloads, by what was judged and what mode deny would do",
    ["aspect", "in_deny_mode"],
  );
  const holder = gauge("gatehouse_observer_holder", "1 while this instance holds the lease");

  function refresh(): void {
    const seen = state();
    for (const [kind, count] of Object.entries(seen.objects)) objects.set({ kind }, count);
    workloads.set(seen.workloads);
    queue.set(seen.queue);
    images.set(seen.images);
    pending.set(seen.imagesPending);
    for (const name of scanStates) byState.set({ state: name }, seen.imageStates.get(name) ?? 0);
    oldest.set(seen.oldestReportMs / 1000);
    if (seen.inventoryAgeMs !== undefined) age.set(seen.inventoryAgeMs / 1000);
    events.set(seen.events);
    eventBytes.set(seen.eventBytes);
    for (const aspect of ["written", "running"])
      for (const outcome of ["allow", "audit", "deny"])
        verdicts.set({ aspect, in_deny_mode: outcome }, seen.verdicts.get(`${aspect} ${outcome}`) ?? 0);
    holder.set(seen.holder ? 1 : 0);
  }

  return {
    registry,
    scans: scanMetrics(declareIn(registry)),
    kubeCalls: counted("gatehouse_kubernetes_calls_total", "Questions to the API server, by outcome", [
      "outcome",
    ]),
    lookUps: counted("gatehouse_observer_look_ups_total", "Look-ups of images, by what came of them", [
      "outcome",
    ]),
    verdictChanges: counted("gatehouse_observer_verdict_changes_total", "Verdicts that came out otherwise", [
      "aspect",
      "to",
    ]),
    judgingSeconds: timed("gatehouse_observer_judging_seconds", "Judging one workload"),
    impactSeconds: timed("gatehouse_observer_impact_seconds", "Computing one impact"),
    eventsReceived: counted(
      "gatehouse_observer_events_received_total",
      "Events received, by what came of them",
      ["outcome"],
    ),
    eventsForgotten: counter(
      "gatehouse_observer_events_forgotten_total",
      "Events that made room for newer ones",
    ),
    requests: counted("gatehouse_observer_requests_total", "HTTP requests, by route and status", [
      "route",
      "status",
    ]),
    watchErrors: counter(
      "gatehouse_observer_watch_errors_total",
      "Failures of watches; they go on by themselves",
    ),
    failures: counter("gatehouse_failures_total", "Failures for an error inside the gate"),
    certificateExpiry: labelled("gatehouse_certificate_expiry_timestamp_seconds", "When a certificate ends", [
      "certificate",
    ]),
    emergencyExemptions: gauge("gatehouse_emergency_exemptions", "Break-glass exemptions in force"),
    emergencyProblems: gauge(
      "gatehouse_emergency_problems",
      "Break-glass entries that are ignored because something is wrong with them",
    ),
    show() {
      refresh();
      return registry.metrics();
    },
  };
}
