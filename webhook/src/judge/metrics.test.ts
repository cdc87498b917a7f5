import { expect, it } from "vitest";
import { createMetrics } from "./metrics.ts";

it("shows series with known labels from the start, so that a rate sees their first count", async () => {
  const text = await createMetrics({ policyHash: "0", mode: "deny", version: "test" }).registry.metrics();
  for (const series of [
    'gatehouse_decisions_total{action="deny",in_deny_mode="deny"} 0',
    'gatehouse_image_scans_total{state="unavailable"} 0',
    'gatehouse_events_dropped_total{sink="output"} 0',
    "gatehouse_deadline_missed_total 0",
    "gatehouse_failures_total 0",
  ])
    expect(text).toContain(`${series}\n`);
});
