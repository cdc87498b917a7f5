import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { definePolicy, deny, exempt, findings, states } from "./build.ts";
import { applyMode, decide } from "./decide.ts";
import type { Finding } from "./finding.ts";
import { exemption, now, rule, scans, subject } from "./fixtures/arbitraries.ts";
import { acknowledgement, unacknowledged } from "./guard.ts";
import { impact, impactSteps } from "./impact.ts";
import type { Impact, ImpactEntry, ImpactSubject, Regime } from "./impact-model.ts";
import type { Policy } from "./model.ts";
import type { ImageScan, ScanReport } from "./scan.ts";
import type { Subject } from "./subject.ts";

const image = "ghcr.io/acme/api:1";
const digest = `sha256:${"a".repeat(64)}`;
const today = "2026-11-22";

const openssl: Finding = {
  id: "CVE-2026-0001",
  severity: "critical",
  package: { name: "openssl", version: "3.0.1", type: "deb" },
  fix: { available: true, version: "3.0.2", since: "2026-10-01T00:00:00Z" },
};
const zlib: Finding = {
  id: "CVE-2026-0002",
  severity: "critical",
  package: { name: "zlib", version: "1", type: "deb" },
  fix: { available: false },
};

function scanOf(found: readonly Finding[], over: Partial<ScanReport> = {}): ImageScan {
  const report: ScanReport = {
    state: "complete",
    source: "file",
    trust: { kind: "source" },
    scannedAt: "2026-11-22T00:00:00Z",
    findings: found,
    ...over,
  };
  return { digest, platforms: [{ platform: "linux/amd64", digest, report }] };
}

function subjectIn(namespace: string, over: Partial<Subject> = {}, reference = image): Subject {
  return {
    cluster: { name: "prod-1" },
    namespace: { name: namespace, labels: {} },
    object: { kind: "Deployment", name: "api", labels: {} },
    pod: "api-",
    workload: { resolved: true, kind: "Deployment", name: "api", uid: "u1" },
    images: [{ path: "spec.template.spec.containers[0].image", reference, name: "api", kind: "container" }],
    ...over,
  };
}

function workload(
  namespace: string,
  scan: ImageScan,
  over: Partial<ImpactSubject> & { reference?: string } = {},
): ImpactSubject {
  const { reference = image, ...rest } = over;
  return {
    owner: `${namespace}/Deployment/api`,
    subject: subjectIn(namespace, {}, reference),
    scans: new Map([[reference, scan]]),
    ...rest,
  };
}

const policyWith = (
  change: Partial<Parameters<typeof deny>[0]> = {},
  rest: Partial<Parameters<typeof definePolicy>[0]> = {},
): Policy =>
  definePolicy({
    rules: {
      "no-criticals": deny({
        description: "no criticals",
        when: findings({ minSeverity: "critical" }),
        onScan: states.audit,
        ...change,
      }),
    },
    defaultRule: false,
    exemptionHelp: "ask",
    ...rest,
  });

const plain = policyWith();
const auditing: Regime = { policy: plain, mode: "audit" };
const denying: Regime = { policy: plain, mode: "deny" };
const owners = (entries: readonly { owner: string }[]) => entries.map(({ owner }) => owner);

describe("from audit to deny", () => {
  const all = [
    workload("shop", scanOf([openssl])),
    workload("pay", scanOf([openssl, zlib])),
    workload("docs", scanOf([])),
    workload("lab", scanOf([], { state: "pending", reason: "the scan began" }), {
      reference: "ghcr.io/acme/lab:1",
    }),
  ];
  const result = impact(auditing, denying, all, now);

  test("says whole what it does", () => {
    const entry = (namespace: string, found: readonly Finding[]): ImpactEntry => ({
      owner: `${namespace}/Deployment/api`,
      namespace,
      before: "audit",
      after: "deny",
      rules: ["no-criticals"],
      images: [
        {
          reference: image,
          digest,
          state: "complete",
          rules: ["no-criticals"],
          findings: found,
          findingCount: found.length,
        },
      ],
      couldNotTell: false,
    });
    expect(result).toEqual({
      at: "2026-11-22T12:00:00.000Z",
      before: { mode: "audit" },
      after: { mode: "deny" },
      workloads: 4,
      newlyDenied: [entry("pay", [openssl, zlib]), entry("shop", [openssl])],
      newlyAudited: [],
      newlyAdmitted: [],
      stillDenied: 0,
      newlyExempt: [],
      noLongerExempt: [],
      endingExemptions: [],
      violatesNow: [],
      unscanned: [
        { reference: "ghcr.io/acme/lab:1", state: "pending", reason: "the scan began", workloads: 1 },
      ],
      couldNotTell: [],
      byNamespace: [
        { namespace: "pay", newlyDenied: 1 },
        { namespace: "shop", newlyDenied: 1 },
      ],
      byRule: [{ rule: "no-criticals", newlyDenied: 2 }],
      byCve: [
        {
          id: "CVE-2026-0001",
          severity: "critical",
          workloads: 2,
          packages: ["openssl"],
          fixedIn: ["3.0.2"],
        },
        { id: "CVE-2026-0002", severity: "critical", workloads: 1, packages: ["zlib"], fixedIn: [] },
      ],
      fixes: [{ package: "openssl", version: "3.0.2", helps: 2, clears: 1 }],
      projection: [],
    } satisfies Impact);
  });

  test("and back admits them again", () => {
    const back = impact(denying, auditing, all, now);
    expect(owners(back.newlyAdmitted)).toEqual(["pay/Deployment/api", "shop/Deployment/api"]);
    expect(back.newlyAdmitted[0]?.rules).toEqual(["no-criticals"]);
    expect(back.newlyDenied).toEqual([]);
  });

  test("without a gate everything was admitted", () => {
    const first = impact(undefined, auditing, all, now);
    expect(first.before).toBeUndefined();
    expect(owners(first.newlyAudited)).toEqual([
      "lab/Deployment/api",
      "pay/Deployment/api",
      "shop/Deployment/api",
    ]);
  });

  test("no change, no impact", () => {
    const none = impact(denying, denying, all, now);
    expect([none.newlyDenied, none.newlyAudited, none.newlyAdmitted, none.stillDenied]).toEqual([
      [],
      [],
      [],
      2,
    ]);
  });
});

test("a finding of many is counted, and only the worst are listed", () => {
  const many = Array.from({ length: 30 }, (_, index) => ({
    ...openssl,
    id: `CVE-2026-${1000 + index}`,
    severity: index === 29 ? ("critical" as const) : ("high" as const),
  }));
  const highs = policyWith({ when: findings({ minSeverity: "high" }) });
  const [entry] = impact(
    undefined,
    { policy: highs, mode: "deny" },
    [workload("a", scanOf(many))],
    now,
  ).newlyDenied;
  expect(entry?.images[0]?.findingCount).toBe(30);
  expect(entry?.images[0]?.findings.map(({ id }) => id)).toEqual([
    "CVE-2026-1029",
    ...Array.from({ length: 9 }, (_, index) => `CVE-2026-${1000 + index}`),
  ]);
});

test("an upgrade does not clear what is denied for its scan's state as well", () => {
  const strict = policyWith({ onScan: { ...states.audit, absent: "deny" } });
  const one = workload("shop", scanOf([openssl]));
  const two: ImpactSubject = {
    ...one,
    subject: {
      ...one.subject,
      images: [
        ...one.subject.images,
        { path: "x", reference: "ghcr.io/acme/b:1", name: "b", kind: "container" },
      ],
    },
    scans: new Map([...one.scans, ["ghcr.io/acme/b:1", scanOf([], { state: "absent" })]]),
  };
  expect(impact(undefined, { policy: strict, mode: "deny" }, [two], now).fixes).toEqual([
    { package: "openssl", version: "3.0.2", helps: 1, clears: 0 },
  ]);
});

describe("exemptions", () => {
  const one = workload("shop", scanOf([openssl]));
  const about = { reason: "unreachable", owner: "team", until: "2026-11-30" };
  const byFinding = policyWith({}, { exemptions: { e: exempt({ ...about, cves: ["CVE-2026-0001"] }) } });
  const byRule = policyWith({}, { exemptions: { e: exempt({ ...about, where: { namespace: "shop" } }) } });
  const byState = policyWith(
    { onScan: { ...states.audit, pending: "deny" } },
    { exemptions: { e: exempt({ ...about, where: { namespace: "shop" }, states: ["pending"] }) } },
  );
  const pending = workload("shop", scanOf([], { state: "pending" }));
  const under = (policy: Policy): Regime => ({ policy, mode: "deny" });
  const owner = "shop/Deployment/api";

  test.each([
    ["a finding", byFinding, one, { owner, exemption: "e", finding: "CVE-2026-0001" }],
    ["a whole rule", byRule, one, { owner, exemption: "e", rule: "no-criticals" }],
    ["a state", byState, pending, { owner, exemption: "e", rule: "no-criticals", state: "pending" }],
  ])("that take out %s are told in both directions", (_, policy, about, change) => {
    const without = { ...policy, exemptions: {} };
    const added = impact(under(without), under(policy), [about], now);
    expect([added.newlyExempt, added.noLongerExempt]).toEqual([[change], []]);
    expect(owners(added.newlyAdmitted)).toEqual([owner]);
    expect(added.endingExemptions).toEqual([{ exemption: "e", until: "2026-11-30", daysLeft: 8 }]);
    const removed = impact(under(policy), under(without), [about], now);
    expect([removed.newlyExempt, removed.noLongerExempt]).toEqual([[], [change]]);
    expect(owners(removed.newlyDenied)).toEqual([owner]);
  });

  test("that end within the horizon are projected to the day on which the denial begins", () => {
    const { projection } = impact(undefined, under(byFinding), [one], now);
    expect(projection).toEqual([{ owner, on: "2026-12-01", rules: ["no-criticals"] }]);
    expect(impact(undefined, under(byFinding), [one], now, { horizonDays: 8 }).projection).toEqual([]);
  });
});

test("what ends later today is projected to today", () => {
  const tonight = policyWith(
    {},
    {
      exemptions: {
        e: exempt({ reason: "r", owner: "o", until: `${today}T18:00:00Z`, cves: ["CVE-2026-0001"] }),
      },
    },
  );
  const { projection } = impact(
    undefined,
    { policy: tonight, mode: "deny" },
    [workload("a", scanOf([openssl]))],
    now,
  );
  expect(projection.map(({ on }) => on)).toEqual([today]);
});

test("a fix that comes of age is projected; in mode audit nothing is", () => {
  const aged = policyWith({ when: findings({ minSeverity: "critical", fixAvailableFor: "14d" }) });
  const young = {
    ...openssl,
    fix: { available: true, version: "3", since: "2026-11-15T06:00:00Z" },
  } as const;
  const one = workload("a", scanOf([young]));
  expect(impact(undefined, { policy: aged, mode: "deny" }, [one], now).projection).toEqual([
    { owner: one.owner, on: "2026-11-29", rules: ["no-criticals"] },
  ]);
  expect(impact(undefined, { policy: aged, mode: "audit" }, [one], now).projection).toEqual([]);
});

test("what runs is told apart from what is written", () => {
  const old = workload("a", scanOf([]));
  const running = `ghcr.io/acme/api@${digest}`;
  const one: ImpactSubject = {
    ...old,
    running: [
      {
        subject: subjectIn("a", { object: { kind: "Pod", name: "api-x", labels: {} } }, running),
        scans: new Map([[running, scanOf([openssl])]]),
      },
    ],
  };
  const result = impact(undefined, denying, [one], now);
  expect(result.newlyDenied).toEqual([]);
  expect(result.violatesNow.map(({ owner, images }) => [owner, images[0]?.reference])).toEqual([
    [old.owner, running],
  ]);
});

test("a Pod that fares worse than its owner decides", () => {
  const byLabel = policyWith({ where: { labels: { tier: "web" } } });
  const one = workload("a", scanOf([openssl]));
  const pods = subjectIn("a", { object: { kind: "Pod", name: "", labels: { tier: "web" } } });
  const regime: Regime = { policy: byLabel, mode: "deny" };
  expect(impact(undefined, regime, [one], now).newlyDenied).toEqual([]);
  expect(owners(impact(undefined, regime, [{ ...one, also: [pods] }], now).newlyDenied)).toEqual([one.owner]);
});

test("digests on record belong to a regime", () => {
  const graceful = policyWith({ running: { admitUntil: "2027-01-01" } });
  const one = workload("a", scanOf([openssl]));
  const running = [{ namespace: "a", repository: "ghcr.io/acme/api", digests: [digest] }];
  const before: Regime = { policy: graceful, mode: "deny", running };
  const result = impact(before, { ...before, running: [] }, [one], now);
  expect(owners(result.newlyDenied)).toEqual([one.owner]);
  expect(impact({ ...before, running: [] }, before, [one], now).newlyAdmitted).toHaveLength(1);
});

test("the steps come to the same result", () => {
  const all = [workload("b", scanOf([openssl])), workload("a", scanOf([]))];
  const steps = impactSteps(auditing, denying, all, now);
  let step = steps.next();
  let count = 0;
  while (step.done !== true) {
    count++;
    step = steps.next();
  }
  expect(step.value).toEqual(impact(auditing, denying, all, now));
  expect(count).toBeGreaterThanOrEqual(2 * all.length);
});

const policy: fc.Arbitrary<Policy> = fc
  .tuple(rule, rule, fc.array(exemption, { maxLength: 3 }))
  .map(([one, two, exemptions]) => ({
    version: 1,
    rules: { one, two },
    exemptions: Object.fromEntries(exemptions.map((entry, index) => [`e${index}`, entry])),
    vex: [],
    exemptionHelp: "ask",
  }));
const regime = fc.record({ policy, mode: fc.constantFrom("audit" as const, "deny" as const) });
const cluster = fc.array(fc.tuple(subject, scans), { maxLength: 6 }).map((all) =>
  all.map(([one, seen], index) => ({
    owner: `${one.namespace.name}/Pod/${index}`,
    subject: one,
    scans: seen,
  })),
);

test("lists are exactly what decide says of each one by itself, and the counts add up", () => {
  fc.assert(
    fc.property(fc.option(regime, { nil: undefined }), regime, cluster, (before, after, all) => {
      const result = impact(before, after, all, now);
      const naive = all.map(({ owner, subject, scans }) => {
        const act = ({ policy, mode }: Regime) => applyMode(decide(policy, subject, scans, now), mode).action;
        return {
          owner,
          namespace: subject.namespace.name,
          was: before ? act(before) : "allow",
          is: act(after),
        };
      });
      const pick = (keep: (one: (typeof naive)[number]) => boolean) => owners(naive.filter(keep)).toSorted();
      const denied = naive.filter(({ was, is }) => is === "deny" && was !== "deny");
      expect(owners(result.newlyDenied)).toEqual(owners(denied).toSorted());
      expect(owners(result.newlyAudited)).toEqual(pick(({ was, is }) => is === "audit" && was === "allow"));
      expect(owners(result.newlyAdmitted)).toEqual(pick(({ was, is }) => is !== "deny" && was === "deny"));
      expect(result.stillDenied).toBe(pick(({ was, is }) => is === "deny" && was === "deny").length);
      for (const { namespace, newlyDenied } of result.byNamespace)
        expect(newlyDenied).toBe(denied.filter((one) => one.namespace === namespace).length);
      expect(result.byNamespace.reduce((sum, { newlyDenied }) => sum + newlyDenied, 0)).toBe(denied.length);
      for (const { rule, newlyDenied } of result.byRule)
        expect(newlyDenied).toBe(result.newlyDenied.filter(({ rules }) => rules.includes(rule)).length);
      for (const entry of result.newlyDenied) expect(entry.rules.length).toBeGreaterThan(0);
      for (const { id, workloads } of result.byCve) {
        expect(workloads).toBeLessThanOrEqual(denied.length);
        const listed = result.newlyDenied.filter(({ images }) =>
          images.some((one) => one.findings.some((finding) => finding.id === id)),
        );
        expect(workloads).toBe(listed.length);
      }
      for (const { helps, clears } of result.fixes) expect(clears).toBeLessThanOrEqual(helps);
      const ends = new Set(owners(result.projection));
      for (const { owner, is } of naive) if (is === "deny") expect(ends.has(owner)).toBe(false);
    }),
    { numRuns: process.env["GATEHOUSE_SOAK"] ? 10_000 : 1_000 },
  );
});

test("the guard lets through what was acknowledged, and nothing more", () => {
  fc.assert(
    fc.property(fc.option(regime, { nil: undefined }), regime, cluster, (before, after, all) => {
      const result = impact(before, after, all, now);
      const block = acknowledgement(result);
      expect(unacknowledged(result, block)).toEqual([]);
      expect(unacknowledged(result, {})).toHaveLength(Object.values(block).flat().length);
      for (const [rule, list] of Object.entries(block))
        for (const owner of list) {
          const fewer = { ...block, [rule]: list.filter((one) => one !== owner) };
          expect(unacknowledged(result, fewer)).toEqual([{ rule, owner }]);
        }
    }),
    { numRuns: 300 },
  );
});
