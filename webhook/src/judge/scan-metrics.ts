import type { ScanMetrics } from "@gatehouse/scans";
import type { Declare } from "./declare-metrics.ts";

/** Seconds; registries and clouds answer within these, or not at all. */
const buckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Metrics of sources, registries and caches. Labels are names from the configuration or from fixed sets. */
export function scanMetrics({ counter, gauge, histogram }: Declare): ScanMetrics {
  const cache = counter(
    "gatehouse_cache_requests_total",
    "Questions to the caches of reports and images, by outcome",
    "cache",
    "outcome",
  );
  const size = gauge(
    "gatehouse_cache_size",
    "What the cache of reports holds: reports, distinct findings, estimated bytes",
    "of",
  );
  const asked = histogram(
    "gatehouse_source_seconds",
    "How long sources took for one image, by the scan state that came of it",
    buckets,
    "source",
    "state",
  );
  const unresolved = counter(
    "gatehouse_registry_failures_total",
    "References that could not be resolved, by registry and cause",
    "registry",
    "code",
  );
  const feed = gauge(
    "gatehouse_exploit_feed_state",
    "1 for the state that a part of the exploit feed (epss, kev) is in: fresh, old or absent",
    "part",
    "state",
  );
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
