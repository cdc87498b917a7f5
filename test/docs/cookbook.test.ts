/** What each rule of the cookbook makes of an image that it is about, and of one that it is not. */
import { join } from "node:path";
import { judgeCase, finding, type PolicyCase } from "@gatehouse/policy/testing";
import type { Outcome, Policy } from "@gatehouse/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkshop, snippets, type Workshop } from "./snippets.ts";

type Case = Omit<PolicyCase, "image" | "expect"> & { image?: string };

const now = "2026-11-22T12:00:00Z";
const image = "shop.azurecr.io/shop/web:1.4";
const critical = finding({ severity: "critical" });
const high = finding({ severity: "high" });
/** So many findings that differ in nothing but their ids. */
const many = (one: typeof critical, count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...one, id: `CVE-2026-000${index}` }));
/** What the vendor of recipe 17 speaks of. */
const excused = finding({ severity: "critical", id: "CVE-2026-40001" });
const fixed = { available: true, version: "2.0.0" } as const;
const found = (...findings: NonNullable<Case["findings"]>): Case => ({ findings });
const scan = (state: NonNullable<PolicyCase["report"]>["state"] & string): Case => ({ report: { state } });
const scannedAt = (at: string): Case => ({ report: { scannedAt: at } });

/** Per recipe: cases that its own rule denies or audits, then cases that its own rule lets be. */
const recipes: Readonly<Record<string, { rule: string; asks: Outcome; hits: Case[]; misses: Case[] }>> = {
  "1": {
    rule: "few-highs",
    asks: "deny",
    hits: [found(critical), found(...many(high, 6))],
    misses: [found(...many(high, 5))],
  },
  "2": {
    rule: "no-fixable-critical",
    asks: "deny",
    hits: [found({ ...critical, fix: fixed })],
    misses: [found(critical)],
  },
  "3": {
    rule: "fixes-are-taken",
    asks: "deny",
    hits: [
      found({ ...critical, fix: { ...fixed, since: "2026-11-01T00:00:00Z" } }),
      found({ ...high, fix: { ...fixed, since: "2026-10-01T00:00:00Z" } }),
    ],
    misses: [found({ ...high, fix: { ...fixed, since: "2026-11-01T00:00:00Z" } }), found(critical)],
  },
  "4": {
    rule: "thirty-days",
    asks: "deny",
    hits: [found({ ...critical, publishedAt: "2026-10-01T00:00:00Z" })],
    misses: [found({ ...critical, publishedAt: "2026-11-10T00:00:00Z" })],
  },
  "5": {
    rule: "no-known-exploited",
    asks: "deny",
    hits: [found(finding({ knownExploited: true })), found(...many({ ...high, epss: 0.6 }, 3))],
    misses: [found(critical), found({ ...high, epss: 0.6 }, { ...critical, epss: 0.6 })],
  },
  "6": {
    rule: "fixable-highs-all-criticals",
    asks: "deny",
    hits: [found({ ...high, fix: fixed }), found({ ...critical, fix: { available: false } })],
    misses: [found({ ...high, fix: { available: false } })],
  },
  "7": {
    rule: "cvss-nine",
    asks: "deny",
    hits: [found(finding({ cvss: 9 }))],
    misses: [found(finding({ cvss: 8.9 }))],
  },
  "8": {
    rule: "not-this-one",
    asks: "deny",
    hits: [found(finding({ id: "GHSA-jfh8-c2jp-5v3q", aliases: ["CVE-2021-44228"] }))],
    misses: [found(critical)],
  },
  "9": {
    rule: "scanned-only",
    asks: "deny",
    hits: [scan("absent"), scan("pending"), scan("unavailable"), found(critical)],
    misses: [found()],
  },
  "10": {
    rule: "scanned-mostly",
    asks: "deny",
    hits: [scan("absent"), scan("failed"), found(critical)],
    misses: [found()],
  },
  "11": {
    rule: "fresh-scan",
    asks: "deny",
    hits: [scannedAt("2026-11-10T00:00:00Z"), scan("stale")],
    misses: [scannedAt("2026-11-20T00:00:00Z")],
  },
  "12": {
    rule: "rebuilt-quarterly",
    asks: "audit",
    hits: [{ createdAt: "2026-07-01T00:00:00Z" }],
    misses: [{ createdAt: "2026-11-01T00:00:00Z" }, {}],
  },
  "13": {
    rule: "our-registries",
    asks: "deny",
    hits: [{ image: "docker.io/library/nginx:1", ...scan("unsupported") }],
    misses: [
      { ...scan("absent") },
      { image: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1", ...scan("absent") },
    ],
  },
  "14": {
    rule: "prod-highs",
    asks: "deny",
    hits: [
      { cluster: { name: "p", labels: { tier: "prod" } }, ...found({ ...high, fix: fixed }) },
      { cluster: { name: "p" }, ...found({ ...high, fix: fixed }) },
    ],
    misses: [{ cluster: { name: "t", labels: { tier: "test" } }, ...found({ ...high, fix: fixed }) }],
  },
  "15": {
    rule: "not-in-sandboxes",
    asks: "deny",
    hits: [found(critical)],
    misses: [
      { namespace: "sandbox-jo", ...found(critical) },
      { namespace: "course", namespaceLabels: { purpose: "training" }, ...found(critical) },
    ],
  },
  "16": {
    rule: "own-dependencies",
    asks: "deny",
    hits: [found({ ...high, fix: fixed, package: { name: "lodash", type: "npm" } }), found(critical)],
    misses: [
      found({ ...high, fix: fixed }),
      found({ ...critical, package: { name: "linux-libc-dev", type: "deb" } }),
    ],
  },
  "17": {
    rule: "no-criticals",
    asks: "deny",
    hits: [found(critical), { image: "shop.azurecr.io/shop/api:1", ...found(excused) }],
    misses: [found(excused)],
  },
  "18": {
    rule: "signed-reports",
    asks: "deny",
    hits: [{ report: { trust: { kind: "unsigned" } } }],
    misses: [{ report: { trust: { kind: "signed", identity: "CN=Scanner" } } }],
  },
  "19": {
    rule: "no-criticals-from-now",
    asks: "deny",
    hits: [found(critical)],
    misses: [],
  },
  "20": {
    rule: "no-criticals",
    asks: "deny",
    hits: [
      found(critical),
      {
        namespace: "reports",
        image: "shop.azurecr.io/reports/pdf:1",
        ...found({ ...critical, id: "CVE-2026-20001", package: { name: "zlib" }, fix: fixed }),
      },
    ],
    misses: [
      {
        namespace: "reports",
        image: "shop.azurecr.io/reports/pdf:1",
        ...found({ ...critical, id: "CVE-2026-20001", package: { name: "zlib" } }),
      },
    ],
  },
};

const policies = snippets("ts").filter(
  ({ at, text }) => at.startsWith("docs/cookbook.md:") && text.includes("export default"),
);
let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
  for (const { name, text } of policies) await workshop.write(`${name}.ts`, text);
});
afterAll(() => workshop.close());

test("every recipe has its cases", () => {
  expect(Object.keys(recipes)).toHaveLength(policies.length);
});

test.each(Object.entries(recipes))(
  "recipe %s does what it says",
  async (number, { rule, asks, hits, misses }) => {
    const name = policies[Number(number) - 1]?.name ?? "";
    const { default: policy } = (await import(join(workshop.folder, `${name}.ts`))) as { default: Policy };
    const outcome = (one: Case): Outcome | undefined =>
      judgeCase(policy, { image, now, expect: { action: asks }, ...one })
        .images.flatMap((judged) => judged.rules)
        .find((result) => result.rule === rule)?.outcome;
    expect(hits.map(outcome)).toEqual(hits.map(() => asks));
    expect(misses.map(outcome).filter((one) => one === undefined || one === asks)).toEqual([]);
  },
);

test("recipe 19 lets digests that ran be scheduled again, until its date", async () => {
  const { default: policy } = (await import(join(workshop.folder, `${policies[18]?.name ?? ""}.ts`))) as {
    default: Policy;
  };
  const digest = `sha256:${"0".repeat(64)}`;
  const running = [{ repository: "shop.azurecr.io/shop/web", digests: [digest] }];
  const action = (at: string) =>
    judgeCase(policy, { image, digest, running, now: at, ...found(critical), expect: { action: "deny" } })
      .action;
  expect([action(now), action("2027-03-02T00:00:00Z")]).toEqual(["audit", "deny"]);
});
