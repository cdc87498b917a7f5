import { expect, test } from "vitest";
import type { Impact, ImpactEntry } from "./impact-model.ts";
import { impactSarif } from "./impact-sarif.ts";
import { acknowledgementText, impactMarkdown, impactText } from "./impact-text.ts";

const entry = (name: string, more: Partial<ImpactEntry> = {}): ImpactEntry => ({
  owner: `shop/Deployment/${name}`,
  namespace: "shop",
  before: "allow",
  after: "deny",
  rules: ["no-criticals"],
  images: [
    {
      reference: `r.example/${name}:1`,
      state: "complete",
      rules: ["no-criticals"],
      findings: [{ id: "CVE-2026-1", severity: "critical" }],
      findingCount: 1,
    },
  ],
  couldNotTell: false,
  ...more,
});

const nothing: Impact = {
  at: "2026-12-01T00:00:00.000Z",
  after: { mode: "deny" },
  workloads: 40,
  newlyDenied: [],
  newlyAudited: [],
  newlyAdmitted: [],
  stillDenied: 0,
  newlyExempt: [],
  noLongerExempt: [],
  endingExemptions: [],
  violatesNow: [],
  unscanned: [],
  couldNotTell: [],
  byNamespace: [],
  byRule: [],
  byCve: [],
  fixes: [],
  projection: [],
};

test("an impact without a change is one line", () => {
  expect(impactText(nothing)).toBe("Impact on 40 workloads: none changes");
});

test("the counts are of all, the rows are ten, and the rest is what mends it and what time brings", () => {
  const names = Array.from({ length: 10 }, (_, index) => `app-${index}`);
  const impact: Impact = {
    ...nothing,
    newlyDenied: names.map((name) => entry(name)),
    newlyAudited: [entry("late", { images: [], couldNotTell: true })],
    stillDenied: 2,
    violatesNow: [entry("old")],
    newlyExempt: [
      { owner: "shop/Deployment/a", exemption: "e", finding: "CVE-2026-2" },
      { owner: "shop/Deployment/a", exemption: "e", finding: "CVE-2026-3" },
    ],
    noLongerExempt: [{ owner: "shop/Deployment/b", exemption: "f" }],
    endingExemptions: [{ exemption: "e", until: "2026-12-05", daysLeft: 4 }],
    unscanned: [{ reference: "r.example/x:1", state: "absent", workloads: 1 }],
    couldNotTell: [{ attribute: "severity", workloads: 3 }],
    fixes: [{ package: "openssl", version: "3.0.2", clears: 9, helps: 10 }],
    projection: [1, 2, 3, 4].map((day) => ({
      owner: `shop/Deployment/p${day}`,
      on: `2026-12-0${day}`,
      rules: ["old-fixes"],
    })),
  };
  expect(impactText(impact).split("\n")).toEqual([
    "Impact on 40 workloads: 10 newly denied, 1 newly audited, 2 still denied, 1 running what would be denied",
    ...names.map((name) => `  DENY  shop/Deployment/${name}  no-criticals  r.example/${name}:1 CVE-2026-1`),
    "  … and 1 more",
    "  fix: openssl 3.0.2 clears 9 of those newly denied, and helps 10",
    "  newly exempt: something of 1 workloads",
    "  no longer exempt: something of 1 workloads",
    "  ends soon: exemption e, on 2026-12-05, in 4 days",
    "  not scanned: 1 images",
    "  could not tell: severity (3)",
    "  from 2026-12-01: shop/Deployment/p1 is denied by old-fixes",
    "  from 2026-12-02: shop/Deployment/p2 is denied by old-fixes",
    "  from 2026-12-03: shop/Deployment/p3 is denied by old-fixes",
    "  … and 1 more that time alone will deny",
  ]);
});

test("names of a cluster can neither move the cursor nor leave their block", () => {
  const impact: Impact = { ...nothing, newlyDenied: [entry("a\u001b[2J```\nb", { images: [] })] };
  expect(impactMarkdown(impact)).toBe(
    "# Impact\n\n```text\nImpact on 40 workloads: 1 newly denied\n  DENY  shop/Deployment/a ''' b  no-criticals\n```\n",
  );
});

test("the block to paste", () => {
  expect(acknowledgementText({ no: ["shop/Deployment/a"], too: ["shop/Deployment/a", "x/Job/y"] })).toBe(
    "  gatehouse:acknowledged:\n    no:\n      - shop/Deployment/a\n    too:\n      - shop/Deployment/a\n      - x/Job/y",
  );
});

test("SARIF has a result for each workload and rule", () => {
  const impact: Impact = {
    ...nothing,
    newlyDenied: [entry("a")],
    newlyAudited: [entry("b", { rules: ["old"] })],
  };
  const { runs } = impactSarif(impact) as { runs: { results: unknown[]; tool: unknown }[] };
  const location = (name: string) => [
    { logicalLocations: [{ fullyQualifiedName: `shop/Deployment/${name}`, kind: "resource" }] },
  ];
  expect(runs).toEqual([
    {
      tool: { driver: { name: "gatehouse", rules: [{ id: "no-criticals" }, { id: "old" }] } },
      results: [
        {
          ruleId: "no-criticals",
          level: "error",
          message: { text: "shop/Deployment/a would be denied when next created: r.example/a:1" },
          locations: location("a"),
        },
        {
          ruleId: "old",
          level: "warning",
          message: { text: "shop/Deployment/b would be audited: r.example/b:1" },
          locations: location("b"),
        },
      ],
    },
  ]);
});
