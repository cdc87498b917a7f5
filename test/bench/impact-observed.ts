/** An observer in this process, with reports from memory: what it computes, without what it is told over the network. */
import { createFakeApi } from "@gatehouse/kube/testing";
import {
  impactSteps,
  parsePolicy,
  policyHash,
  type Finding,
  type ImageScan,
  type Impact,
} from "@gatehouse/policy";
import { createBackgroundEvents, createObserverMetrics, inSlices, observe } from "@gatehouse/webhook";
import {
  benchNow,
  digestOf,
  objectsOf,
  policyOf,
  reportText,
  type ImpactBenchSize,
} from "./impact-samples.ts";

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
      now: () => benchNow,
    }),
    emit: () => {},
    metrics,
    log: (level, message, fields) => {
      if (level === "error")
        throw new Error(`${message}: ${String((fields?.["error"] as Error | undefined)?.stack)}`);
    },
    now: () => benchNow,
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
          benchNow,
        ),
      ),
    stop: async () => await observation.stop(),
  };
}

/** Processor time in milliseconds. */
export function cpuMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}
