import { Counter, Gauge, type Registry } from "prom-client";
import type { DropReason } from "./event-sink.ts";

/** What `/metrics` shows of the sink. */
export interface SinkMetrics {
  sent(events: number): void;
  dropped(events: number, reason: DropReason): void;
}

/** Adds the sink's metrics to a registry; `waiting` is asked at each scrape. */
export function sinkMetrics(registry: Registry, waiting: () => number): SinkMetrics {
  const registers = [registry];
  const sent = new Counter({
    name: "gatehouse_event_sink_sent_total",
    help: "Events that the sink took",
    registers,
  });
  const dropped = new Counter({
    name: "gatehouse_event_sink_dropped_total",
    help: "Events that the sink never got, by why",
    labelNames: ["reason"] as const,
    registers,
  });
  for (const reason of ["full", "refused", "stopped"] as const) dropped.inc({ reason }, 0);
  void new Gauge({
    name: "gatehouse_event_sink_waiting",
    help: "Events that wait for the sink",
    registers,
    collect() {
      this.set(waiting());
    },
  });
  return {
    sent: (events) => sent.inc(events),
    dropped: (events, reason) => dropped.inc({ reason }, events),
  };
}
