/**
 * What an impact costs: 10,000 Pods, 2,000 digests with 200 findings each, 100 rules. `time_multiple` is its time
 * against reading inventory and reports once, from their JSON.
 */
import type { Figure } from "./figures.ts";
import { admissionMeanwhile } from "./impact-admission.ts";
import { observerMemory } from "./impact-memory.ts";
import { cpuMs, observedBench } from "./impact-observed.ts";
import { statedSize, type ImpactBenchSize } from "./impact-samples.ts";

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
  yield* await observerMemory(statedSize);
}
