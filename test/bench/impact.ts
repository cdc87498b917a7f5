/**
 * What an impact costs: 10,000 Pods, 2,000 digests with 200 findings each, 100 rules. `time_multiple` is its time
 * against reading inventory and reports once, from their JSON.
 */
import { createFakeApi } from "@gatehouse/kube/testing";
import {
  definePolicy,
  deny,
  findings,
  impactSteps,
  parsePolicy,
  policyHash,
  states,
  type Finding,
  type ImageScan,
  type Impact,
  type Policy,
  type Severity,
} from "@gatehouse/policy";
import type { Figure } from "./figures.ts";
import { admissionMeanwhile } from "./impact-admission.ts";
import { createBackgroundEvents, createObserverMetrics, inSlices, observe } from "@gatehouse/webhook";

/** How large the cluster is. */
export interface ImpactBenchSize {
  pods: number;
  digests: number;
  findings: number;
  rules: number;
  /** Different findings in all; images share them. @default 5000 */
  distinct?: number;
}

/** What was measured; milliseconds and bytes. */
export interface ImpactBenchResult extends ImpactBenchSize {
  workloads: number;
  newly_denied: number;
  read_ms: number;
  impact_ms: number;
  /** Longest that the event loop was held up while the impact was computed. */
  longest_pause_ms: number;
  time_multiple: number;
  /** Processor time of each, which other processes do not stretch. */
  read_cpu_ms: number;
  impact_cpu_ms: number;
  cpu_multiple: number;
  /** What the observer holds after all was read and judged. Of use only with `node --expose-gc`. */
  heap_bytes: number;
}

const severities: readonly Severity[] = ["critical", "high", "medium", "low"];
const now = Date.parse("2026-11-22T12:00:00Z");
const digestOf = (index: number) => `sha256:${index.toString(16).padStart(64, "0")}`;

/** Findings of a registry's images repeat: most come from a few hundred base packages. */
function findingOf(index: number): Finding {
  return {
    id: `CVE-2026-${10_000 + index}`,
    severity: severities[index % 40 === 0 ? 0 : 1 + (index % 3)] ?? "low",
    package: {
      name: `package-${index % 300}`,
      version: "1.2.3",
      type: "deb",
      purl: `pkg:deb/debian/package-${index % 300}@1.2.3`,
    },
    fix:
      index % 2 === 0
        ? { available: true, version: "1.2.4", since: "2026-10-01T00:00:00Z" }
        : { available: false },
    cvss: (index % 100) / 10,
    epss: (index % 50) / 100,
    knownExploited: index % 97 === 0,
    publishedAt: "2026-09-01T00:00:00Z",
    title: "A vulnerability in a package",
  };
}

export function reportText(image: number, size: ImpactBenchSize): string {
  const found = Array.from({ length: size.findings }, (_, index) =>
    findingOf(
      ((size.distinct ?? 5_000) > 100_000 ? image * size.findings + index : image * 7 + index * 13) %
        (size.distinct ?? 5_000),
    ),
  );
  const digest = digestOf(image);
  return JSON.stringify({
    digest,
    platforms: [
      {
        platform: "linux/amd64",
        digest,
        report: {
          state: "complete",
          source: "bench",
          trust: { kind: "source" },
          scannedAt: "2026-11-22T00:00:00Z",
          findings: found,
        },
      },
    ],
  });
}

export function policyOf(rules: number, strict: boolean): Policy {
  const conditions = [
    findings({ minSeverity: "critical", fixAvailableFor: strict ? "14d" : "90d" }),
    findings({ knownExploited: true }),
    findings({ atLeast: 3, minSeverity: "high", minEpss: 0.45 }),
    findings({ minCvss: 9.5, fixAvailable: true }),
    findings({ packages: "package-1*", minSeverity: "critical" }),
  ] as const;
  return definePolicy({
    rules: Object.fromEntries(
      Array.from({ length: rules }, (_, index) => [
        `rule-${index}`,
        deny({
          description: `Rule ${index}`,
          where: { namespace: [`team-${index % 50}`, `team-${(index + 7) % 50}`] },
          when: conditions[index % conditions.length] ?? conditions[0],
          onScan: states.audit,
        }),
      ]),
    ),
    exemptionHelp: "Ask",
  });
}

function podObject(index: number, size: ImpactBenchSize): Record<string, unknown> {
  const workload = Math.floor(index / 4);
  const namespace = `team-${workload % 50}`;
  const image = workload % size.digests;
  const reference = `registry.example/app-${image}:1`;
  const env = Array.from({ length: 20 }, (_, at) => ({
    name: `VARIABLE_${at}`,
    value: "a value of some length",
  }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `app-${workload}-${index}`,
      namespace,
      uid: `pod-${index}`,
      labels: { app: `app-${workload}`, "pod-template-hash": "abc" },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: `app-${workload}-abc`,
          uid: `rs-${workload}`,
          controller: true,
        },
      ],
    },
    spec: { containers: [{ name: "main", image: reference, env }] },
    status: {
      phase: "Running",
      containerStatuses: [{ name: "main", imageID: `registry.example/app-${image}@${digestOf(image)}` }],
    },
  };
}

export function* objectsOf(size: ImpactBenchSize): Generator<Record<string, unknown>> {
  for (let team = 0; team < 50; team++)
    yield {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: `team-${team}`, labels: { team: `${team}` } },
    };
  for (let workload = 0; workload < size.pods / 4; workload++) {
    const namespace = `team-${workload % 50}`;
    const image = `registry.example/app-${workload % size.digests}:1`;
    const template = {
      metadata: { labels: { app: `app-${workload}` } },
      spec: { containers: [{ name: "main", image }] },
    };
    yield {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: `app-${workload}`, namespace, uid: `deployment-${workload}` },
      spec: { replicas: 4, template },
    };
    yield {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `app-${workload}-abc`,
        namespace,
        uid: `rs-${workload}`,
        ownerReferences: [
          {
            apiVersion: "apps/v1",
            kind: "Deployment",
            name: `app-${workload}`,
            uid: `deployment-${workload}`,
            controller: true,
          },
        ],
      },
      spec: { replicas: 4, template },
    };
  }
  for (let index = 0; index < size.pods; index++) yield podObject(index, size);
}

/** An observer that has read all and judged it once. */
export interface ObservedBench {
  read: number;
  cpuRead: number;
  heapBytes: number;
  /** Judges the proposal over all that there is. */
  impact(): Promise<Impact>;
  stop(): Promise<void>;
}

/** Reads a cluster of this size and its reports, once. */
export async function observedBench(size: ImpactBenchSize): Promise<ObservedBench> {
  const texts = new Map<string, string>();
  for (let image = 0; image < size.digests; image++) {
    const text = reportText(image, size);
    texts.set(`registry.example/app-${image}:1`, text);
    texts.set(`registry.example/app-${image}@${digestOf(image)}`, text);
  }
  const api = createFakeApi();
  for (const object of objectsOf(size)) api.put(object as never);
  const before = policyOf(size.rules, false);
  const after = policyOf(size.rules, true);
  const hash = policyHash(before);

  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const started = performance.now();
  const cpuStarted = process.cpuUsage();
  const parsed = new Map<string, ImageScan>();
  const pool = new Map<string, Finding>();
  const cluster = { name: "bench" };
  const metrics = createObserverMetrics({ policyHash: hash, mode: "audit", version: "0" }, () => {
    throw new Error("nobody scrapes");
  });
  const observation = observe({
    kube: api.kube(),
    config: { mode: "audit", cluster, excludedNamespaces: [] },
    policy: () => before,
    platforms: () => ["linux/amd64"],
    lookUp(reference) {
      const text = texts.get(reference) ?? "";
      const key = reference.replace(/[:@].*$/, "");
      const known = parsed.get(key);
      if (known !== undefined) return Promise.resolve(known);
      const scan = JSON.parse(text) as ImageScan;
      // As the cache of reports does it.
      const shared: ImageScan = {
        ...scan,
        platforms: scan.platforms.map((one) => ({
          ...one,
          report: {
            ...one.report,
            findings: one.report.findings.map((finding) => {
              const same = pool.get(finding.id) ?? finding;
              pool.set(finding.id, same);
              return same;
            }),
          },
        })),
      };
      parsed.set(key, shared);
      return Promise.resolve(shared);
    },
    eventOf: createBackgroundEvents({
      instance: "bench",
      cluster,
      policyHash: hash,
      newId: () => "1",
      now: () => now,
    }),
    emit: () => {},
    metrics,
    log: (level, message, fields) => {
      if (level === "error")
        throw new Error(`${message}: ${String((fields?.["error"] as Error | undefined)?.stack)}`);
    },
    now: () => now,
  });
  await observation.watch.whenSynced;
  await observation.background.idle();
  await observation.reports.freshen(Number.POSITIVE_INFINITY, AbortSignal.timeout(120_000));
  const read = performance.now() - started;
  const cpuRead = cpuMs(process.cpuUsage(cpuStarted));
  await observation.background.idle();
  const pending = observation.reports.pending;
  if (pending > 0) throw new Error(`${pending} reports are missing`);

  const proposal = parsePolicy(JSON.parse(JSON.stringify(after)));
  if (!proposal.ok) throw new Error("the proposal is not valid");
  globalThis.gc?.();
  const heapBytes = process.memoryUsage().heapUsed - heapBefore;
  return {
    read,
    cpuRead,
    heapBytes,
    impact: async () =>
      await inSlices(
        impactSteps(
          { policy: before, mode: "audit", running: [] },
          { policy: proposal.policy, mode: "deny", running: [] },
          observation.background.impactSubjects(() => true),
          now,
        ),
      ),
    stop: async () => await observation.stop(),
  };
}

/** Measures once. */
export async function impactBench(size: ImpactBenchSize): Promise<ImpactBenchResult> {
  const { read, cpuRead, heapBytes, ...observed } = await observedBench(size);
  let longest = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const begun = performance.now();
  const cpuBegun = process.cpuUsage();
  last = begun;
  const result = await observed.impact();
  const took = performance.now() - begun;
  const cpuTook = cpuMs(process.cpuUsage(cpuBegun));
  clearInterval(watch);
  await observed.stop();
  return {
    ...size,
    workloads: result.workloads,
    newly_denied: result.newlyDenied.length,
    read_ms: Math.round(read),
    impact_ms: Math.round(took),
    longest_pause_ms: Math.round(longest),
    time_multiple: Math.round((took / read) * 100) / 100,
    read_cpu_ms: Math.round(cpuRead),
    impact_cpu_ms: Math.round(cpuTook),
    cpu_multiple: Math.round((cpuTook / cpuRead) * 100) / 100,
    heap_bytes: heapBytes,
  };
}

function cpuMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/** What the figures speak of. */
export const statedSize: ImpactBenchSize = { pods: 10_000, digests: 2_000, findings: 200, rules: 100 };

/** The figures of `pnpm bench impact`. */
export async function* bench(): AsyncGenerator<Figure> {
  const result = await impactBench(statedSize);
  yield {
    figure: "time_multiple",
    value: result.time_multiple,
    unit: "x",
    baseline: `${result.read_ms} ms to read inventory and reports once`,
    aim: "3 or less",
  };
  yield {
    figure: "cpu_multiple",
    value: result.cpu_multiple,
    unit: "x",
    baseline: `${result.read_cpu_ms} ms`,
  };
  yield { figure: "longest_pause", value: result.longest_pause_ms, unit: "ms" };
  yield { figure: "newly_denied", value: result.newly_denied, unit: "workloads" };
  yield await admissionMeanwhile();
}
