import { endOf, type Policy } from "@gatehouse/policy";
import { Gauge, type Registry } from "prom-client";

/** How long before its end an exemption is shown, in milliseconds: time enough to mend what it excuses. */
const shownMs = 30 * 24 * 60 * 60_000;
/** Most exemptions that have a series of their own, those that end soonest: a policy may hold thousands. */
const mostShown = 200;

/**
 * Shows when the policy's exemptions end, for those that do within 30 days. They are looked up at each scrape, since
 * exemptions come within that time while a judge runs.
 *
 * @param now milliseconds since 1970
 */
export function showExemptionExpiry(registry: Registry, policy: Policy, now: () => number): void {
  const ends = Object.entries(policy.exemptions)
    .flatMap(([exemption, { until }]) => {
      const end = until === undefined ? undefined : endOf(until);
      return end === undefined ? [] : [{ exemption, end }];
    })
    .sort((a, b) => a.end - b.end);
  const gauge = new Gauge({
    name: "gatehouse_exemption_expiry_timestamp_seconds",
    help: "When an exemption of the policy ends; the 200 that end soonest within 30 days",
    labelNames: ["exemption"] as const,
    registers: [],
    collect() {
      const from = now();
      this.reset();
      for (const { exemption, end } of ends
        .filter((one) => one.end > from && one.end <= from + shownMs)
        .slice(0, mostShown))
        this.set({ exemption }, end / 1000);
    },
  });
  registry.registerMetric(gauge);
}
