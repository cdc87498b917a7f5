import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { ScanMetrics } from "@gatehouse/scans";

/** Seconds; registries and clouds answer within these, or not at all. */
const buckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Metrics of sources, registries and caches. Labels are names from the configuration or from fixed sets. */
export function scanMetrics(registers: Registry[]): ScanMetrics {
  const cache = new Counter({
    name: "gatehouse_cache_requests_total",
    help: "Questions to the caches of reports and images, by outcome",
    labelNames: ["cache", "outcome"] as const,
    registers,
  });
  const size = new Gauge({
    name: "gatehouse_cache_size",
    help: "What the cache of reports holds: reports, distinct findings, estimated bytes",
    labelNames: ["of"] as const,
    registers,
  });
  const asked = new Histogram({
    name: "gatehouse_source_seconds",
    help: "How long sources took for one image, by the scan state that came of it",
    labelNames: ["source", "state"] as const,
    buckets,
    registers,
  });
  const unresolved = new Counter({
    name: "gatehouse_registry_failures_total",
    help: "References that could not be resolved, by registry and cause",
    labelNames: ["registry", "code"] as const,
    registers,
  });
  const feed = new Gauge({
    name: "gatehouse_exploit_feed_state",
    help: "1 for the state that a part of the exploit feed (epss, kev) is in: fresh, old or absent",
    labelNames: ["part", "state"] as const,
    registers,
  });
  return {
    feed(state) {
      for (const part of ["epss", "kev"] as const)
        for (const one of ["fresh", "old", "absent"] as const)
          feed.set({ part, state: one }, state[part].state === one ? 1 : 0);
    },
    cache: (event) => cache.inc(event),
    cacheSize({ reports, findings, bytes }) {
      size.set({ of: "reports" }, reports);
      size.set({ of: "findings" }, findings);
      size.set({ of: "bytes" }, bytes);
    },
    asked: ({ source, state, seconds }) => asked.observe({ source, state }, seconds),
    unresolved: ({ registry, code }) => unresolved.inc({ registry, code }),
  };
}
