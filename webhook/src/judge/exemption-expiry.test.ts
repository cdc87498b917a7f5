import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { definePolicy, exempt, type Policy } from "@gatehouse/policy";
import { showExemptionExpiry } from "./exemption-expiry.ts";

const excuse = (until: string) => exempt({ reason: "r", owner: "o", cves: ["CVE-2026-0001"], until });
const policyWith = (exemptions: Policy["exemptions"]): Policy => ({
  ...definePolicy({ rules: {} }),
  exemptions,
});

async function shown(policy: Policy, now: () => number): Promise<unknown[]> {
  const registry = new Registry();
  showExemptionExpiry(registry, policy, now);
  const [metric] = await registry.getMetricsAsJSON();
  return (metric?.values ?? []).map(({ labels, value }) => [labels["exemption"], value]);
}

it("shows exemptions in their last 30 days, and only then", async () => {
  const policy = policyWith({
    soon: excuse("2026-12-01"),
    later: excuse("2026-12-31"),
    ended: excuse("2026-11-21"),
    forever: exempt({ reason: "r", owner: "o", cves: ["CVE-2026-0002"], permanent: true }),
  });
  const soon = ["soon", Date.parse("2026-12-02T00:00:00Z") / 1000];
  const later = ["later", Date.parse("2027-01-01T00:00:00Z") / 1000];
  expect(await shown(policy, () => Date.parse("2026-11-22T12:00:00Z"))).toEqual([soon]);
  expect(await shown(policy, () => Date.parse("2026-12-02T00:00:00Z"))).toEqual([later]);
});

it("follows the clock from one scrape to the next", async () => {
  let now = Date.parse("2026-11-30T00:00:00Z");
  const registry = new Registry();
  showExemptionExpiry(registry, policyWith({ soon: excuse("2026-12-01") }), () => now);
  expect(await registry.metrics()).toContain(
    'gatehouse_exemption_expiry_timestamp_seconds{exemption="soon"}',
  );
  now = Date.parse("2026-12-02T00:00:00Z");
  expect(await registry.metrics()).not.toContain('exemption="soon"');
});

it("is bounded, whatever a policy holds", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`e-${index}`, excuse("2026-12-01")]),
  );
  expect(await shown(policyWith(many), () => Date.parse("2026-11-22T12:00:00Z"))).toHaveLength(200);
});
