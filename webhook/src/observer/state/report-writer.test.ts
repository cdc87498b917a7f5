import type { KubeObject, Resource } from "@gatehouse/kube";
import { createFakeApi, type FakeApi } from "@gatehouse/kube/testing";
import { applyMode, decide, type ImageScan, type Policy, type Subject } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { critical, now, policy as fixturePolicy, scanned } from "../../testing/fixtures.ts";
import { observedCluster, templated } from "../../testing/observed-cluster.ts";
import type { JudgedWorkload } from "../background.ts";
import type { Verdict } from "../verdict.ts";
import { createSurvey } from "../dashboard/survey.ts";
import { contentAnnotation, reportLimits } from "./report-object.ts";
import { createReportWriter, writePauseMs } from "./report-writer.ts";

const openReports: Resource = {
  group: "openreports.io",
  version: "v1alpha1",
  kind: "Report",
  plural: "reports",
  namespaced: true,
};
const policyReports: Resource = {
  group: "wgpolicyk8s.io",
  version: "v1alpha2",
  kind: "PolicyReport",
  plural: "policyreports",
  namespaced: true,
};

interface Held {
  image: string;
  scan: ImageScan;
  verdict: Verdict | undefined;
}

/** Workloads that are judged on the spot, and a writer of their reports. */
const stage = (api: FakeApi, change: { policy?: Policy } = {}) => {
  const held = new Map<string, Held>();
  let policy = change.policy ?? fixturePolicy;
  const pauses: number[] = [];
  const logs: string[] = [];
  const clock = { now, settled: true };
  const subjectOf = (name: string, image: string): Subject => ({
    cluster: { name: "test" },
    namespace: { name: "shop" },
    object: { kind: "Deployment", name, labels: {}, uid: `uid-${name}` },
    pod: `${name}-`,
    workload: { resolved: true, kind: "Deployment", name, uid: `uid-${name}` },
    images: [
      { path: "spec.template.spec.containers[0].image", reference: image, name: "c", kind: "container" },
    ],
  });
  const workloads = (): JudgedWorkload[] =>
    [...held].map(([name, { image, verdict }]) => ({
      subjects: {
        key: `uid-${name}`,
        owner: `shop/Deployment/${name}`,
        namespace: "shop",
        written: [subjectOf(name, image)],
        running: [],
        pods: 1,
        platforms: [],
      },
      ...(verdict === undefined ? {} : { written: verdict }),
    }));
  const put = (name: string, scan: ImageScan) => {
    const image = `registry.example/${name}:1`;
    const ruling = applyMode(decide(policy, subjectOf(name, image), new Map([[image, scan]]), now), "deny");
    const { action, inDenyMode } = ruling;
    held.set(name, { image, scan, verdict: { action, inDenyMode, rules: [] } });
  };
  const survey = createSurvey({
    background: () => ({
      scan: (_, reference) => [...held.values()].find(({ image }) => image === reference)?.scan,
    }),
    regime: () => ({ policy, mode: "deny", running: [] }),
    now: () => now,
  });
  // Looked up by name, so that thousands need no search.
  const bySurvey: typeof survey.ruling = (one) => {
    const name = one.subjects.owner.split("/")[2] ?? "";
    const found = held.get(name);
    const subject = one.subjects.written[0];
    if (found === undefined || subject === undefined) return undefined;
    const scans = new Map([[found.image, found.scan]]);
    return { ruling: applyMode(decide(policy, subject, scans, now), "deny"), scans };
  };
  const writer = createReportWriter({
    kube: api.kube({ sleep: async () => {} }),
    workloads,
    settled: () => clock.settled,
    survey: { ruling: bySurvey },
    log: (level, message) => void logs.push(`${level} ${message}`),
    now: () => clock.now,
    sleep: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  });
  return {
    held,
    put,
    writer,
    pauses,
    logs,
    clock,
    setPolicy: (next: Policy) => {
      policy = next;
      for (const [name, { scan }] of held) put(name, scan);
    },
  };
};

const writes = (api: FakeApi) => api.requests.filter((line) => /^(PATCH|DELETE|POST)/.test(line));

test("a denied workload has one OpenReports report, owned by it, that says why", async () => {
  const api = createFakeApi({ resources: [openReports, policyReports] });
  const { put, writer, logs } = stage(api);
  put("web", scanned([critical], `sha256:${"b".repeat(64)}`));
  await writer.round();
  expect(logs).toEqual([]);
  const [report, ...others] = api.objects(openReports) as (KubeObject & Record<string, unknown>)[];
  expect(others).toEqual([]);
  const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "uid-web" };
  expect(report?.metadata).toMatchObject({
    name: expect.stringMatching(/^gatehouse-[0-9a-f]{32}$/),
    namespace: "shop",
    labels: { "app.kubernetes.io/managed-by": "gatehouse" },
    ownerReferences: [owner],
  });
  expect({
    source: report?.["source"],
    scope: report?.["scope"],
    summary: report?.["summary"],
    results: report?.["results"],
  }).toEqual({
    source: "gatehouse",
    scope: { ...owner, namespace: "shop" },
    summary: { pass: 0, fail: 1, warn: 0, error: 0, skip: 0 },
    results: [
      {
        source: "gatehouse",
        policy: "no-criticals",
        rule: expect.stringMatching(/^GH\d{4}$/),
        category: "Image vulnerabilities",
        severity: "critical",
        result: "fail",
        scored: true,
        message: "1 finding: CVE-2026-0001",
        properties: {
          image: "registry.example/web:1",
          digest: `sha256:${"b".repeat(64)}`,
          judged: "written",
          state: "complete",
        },
      },
    ],
  });
  expect(api.objects(policyReports)).toEqual([]);
});

test("PolicyReport is written where OpenReports is not served, and nothing where neither is", async () => {
  const older = createFakeApi({ resources: [policyReports] });
  const first = stage(older);
  first.put("web", scanned([critical]));
  await first.writer.round();
  const [report] = older.objects(policyReports) as (KubeObject & Record<string, unknown>)[];
  expect([report?.["source"], [report?.["results"] ?? []].flat().length]).toEqual([undefined, 1]);
  const none = createFakeApi();
  const second = stage(none);
  second.put("web", scanned([critical]));
  await second.writer.round();
  await second.writer.round();
  expect(second.writer.state()).toEqual({
    well: true,
    detail: "the cluster serves neither OpenReports nor PolicyReport",
  });
  // It is not asked again at once.
  expect(none.requests).toHaveLength(2);
});

const workloads = 5_000;

test(`${workloads} workloads: within bounds, and a change writes only what changed`, async () => {
  const api = createFakeApi({ resources: [openReports] });
  const { held, put, writer, pauses, setPolicy } = stage(api);
  const many = Array.from({ length: 200 }, (_, at) => ({
    ...critical,
    id: `CVE-2026-${10_000 + at}`,
    package: { name: `package-${"x".repeat(140)}-${at}`, version: "1" },
  }));
  for (let at = 0; at < workloads; at++) put(`w${at}`, scanned(at % 10 === 0 ? many : []));
  await writer.round();
  const all = api.objects(openReports) as (KubeObject & { results: unknown[] })[];
  expect(all).toHaveLength(workloads);
  for (const report of all) {
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThanOrEqual(reportLimits.bytes);
    expect(report.results.length).toBeLessThanOrEqual(reportLimits.results);
  }
  expect(writes(api)).toHaveLength(workloads);
  // One pause of a fifth of a second after each write: five a second.
  expect([pauses.length, new Set(pauses)]).toEqual([workloads, new Set([writePauseMs])]);

  // Judged again, nothing else: nothing is written.
  setPolicy(fixturePolicy);
  await writer.round();
  expect(writes(api)).toHaveLength(workloads);

  // A rule that only the findings of one know.
  put("w1", scanned([critical]));
  await writer.round();
  expect(writes(api)).toHaveLength(workloads + 1);

  const { "no-criticals": rule } = fixturePolicy.rules;
  if (rule === undefined) throw new Error("the fixture has changed");
  setPolicy({ ...fixturePolicy, rules: { "no-criticals": { ...rule, action: "audit" } } });
  await writer.round();
  // Those with findings say something else now, the others do not.
  expect(writes(api)).toHaveLength(workloads + 1 + workloads / 10 + 1);

  held.delete("w0");
  await writer.round();
  expect(writes(api).at(-1)).toMatch(/^DELETE/);
  expect(api.objects(openReports)).toHaveLength(workloads - 1);
});

test("hundreds of rules and long texts are cut to twenty results and 16 KiB", async () => {
  const api = createFakeApi({ resources: [openReports] });
  const { "no-criticals": rule } = fixturePolicy.rules;
  if (rule === undefined) throw new Error("the fixture has changed");
  const rules = Object.fromEntries(
    Array.from({ length: 300 }, (_, at) => [
      `rule-${"é".repeat(80)}-${at}`,
      { ...rule, action: at === 299 ? "deny" : "audit" } as const,
    ]),
  );
  const { put, writer } = stage(api, { policy: { ...fixturePolicy, rules, exemptions: {} } });
  put(
    "web",
    scanned(Array.from({ length: 100 }, (_, at) => ({ ...critical, id: `CVE-2026-${"9".repeat(60)}${at}` }))),
  );
  await writer.round();
  const [report] = api.objects(openReports) as (KubeObject & {
    results: { result: string }[];
    summary: Record<string, number>;
  })[];
  expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThanOrEqual(reportLimits.bytes);
  expect(report?.results.length).toBeGreaterThan(5);
  expect(report?.results.length).toBeLessThanOrEqual(reportLimits.results);
  // What denies comes first, and the counts are of all.
  expect([report?.results[0]?.result, report?.summary]).toEqual([
    "fail",
    { pass: 0, fail: 1, warn: 299, error: 0, skip: 0 },
  ]);
});

test("a new writer reads what stands there and writes nothing again; foreign reports are left alone", async () => {
  const api = createFakeApi({ resources: [openReports] });
  const foreign = {
    apiVersion: "openreports.io/v1alpha1",
    kind: "Report",
    metadata: { name: "theirs", namespace: "shop" },
  };
  api.put(foreign);
  const first = stage(api);
  first.put("web", scanned([critical]));
  await first.writer.round();
  const before = writes(api).length;
  const second = stage(api);
  second.put("web", scanned([critical]));
  await second.writer.round();
  expect(writes(api).length).toBe(before);
  expect(
    api.objects(openReports).map(({ metadata }) => metadata.annotations?.[contentAnnotation] === undefined),
  ).toContain(true);
  expect(api.objects(openReports)).toHaveLength(2);
});

test("while the cluster is still being read, nothing is taken for gone", async () => {
  const api = createFakeApi({ resources: [openReports] });
  const { put, held, writer, clock } = stage(api);
  put("web", scanned([critical]));
  await writer.round();
  held.clear();
  clock.settled = false;
  await writer.round();
  expect(api.objects(openReports)).toHaveLength(1);
  clock.settled = true;
  await writer.round();
  expect(api.objects(openReports)).toEqual([]);
});

test("without the right to write it says so once, and asks again after ten minutes", async () => {
  const api = createFakeApi({ resources: [openReports] });
  const { put, writer, logs, clock } = stage(api);
  put("web", scanned([critical]));
  api.fail({ status: 403, times: 1, message: "no", match: ({ method }) => method === "PATCH" });
  await writer.round();
  expect(writer.state()).toMatchObject({ well: false, detail: expect.stringContaining("forbidden") });
  await writer.round();
  expect([logs, api.objects(openReports)]).toEqual([["warn reports cannot be written"], []]);
  clock.now += 10 * 60_000;
  await writer.round();
  expect(api.objects(openReports)).toHaveLength(1);
  expect(writer.state()).toEqual({ well: true, detail: "1 of openreports.io/v1alpha1 Report" });
});

test("over an observed cluster: what was looked up is reported, and unscanned is no pass", async () => {
  const cluster = await observedCluster({
    objects: [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
      templated("Deployment", "shop/web", "registry.example/bad:1"),
      templated("StatefulSet", "shop/db", "registry.example/never-scanned:1"),
      templated("CronJob", "shop/nightly", "registry.example/clean:1"),
    ],
  });
  const api = createFakeApi({ resources: [openReports] });
  const writer = createReportWriter({
    kube: api.kube(),
    workloads: () => cluster.observation.background.values(),
    settled: () => true,
    survey: createSurvey({
      background: () => cluster.observation.background,
      regime: () => ({ policy: fixturePolicy, mode: "deny", running: [] }),
      now: () => now,
    }),
    log: () => {},
    now: () => now,
    sleep: () => Promise.resolve(),
  });
  await writer.round();
  const found = api.objects(openReports) as (KubeObject & {
    scope: { name: string };
    summary: { fail: number; pass: number };
  })[];
  expect(
    found
      .map(({ scope, summary }) => [scope.name, summary.fail, summary.pass])
      .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  ).toEqual([
    ["db", 1, 0],
    ["nightly", 0, 1],
    ["web", 1, 0],
  ]);
  await cluster.stop();
});
