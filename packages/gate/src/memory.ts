/** Quantities of memory and CPU, and how much of a container's memory Node's heap may take. */
import type * as pulumi from "@pulumi/pulumi";
import type { Problem } from "@gatehouse/policy";
import { checkedLater, show } from "./argument-checks.ts";

const MEBIBYTE = 1024 ** 2;
/** Least memory of a part, in MiB: Node itself and the program take most of less. */
const LEAST_MEBIBYTES = 128;
/**
 * Share of a container's memory that the heap's old generation may take. The rest is for what Node keeps outside of
 * it: its own code and that of the program, buffers of TLS and of bodies, and the young generation.
 */
const HEAP_SHARE = 0.55;
/** Largest semi-space of the young generation, in MiB; V8 has three, and 16 MiB each unless told. */
const SEMI_SPACE_MEBIBYTES = 8;

/** Suffixes of quantities (apimachinery `resource.Quantity`) in bytes. */
const units: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: MEBIBYTE,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
};

/** Bytes of a quantity such as `384Mi`; undefined when it is none that a memory limit would be written as. */
export function bytesOf(quantity: unknown): number | undefined {
  const match = typeof quantity === "string" ? /^(\d+(?:\.\d+)?)([kMGT]|[KMGT]i)?$/.exec(quantity) : null;
  const unit = units[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** What is wrong with a limit of memory. */
export function memoryProblems(path: string, memory: unknown): Problem[] {
  const bytes = bytesOf(memory);
  if (bytes !== undefined && bytes >= LEAST_MEBIBYTES * MEBIBYTE) return [];
  return [
    { path, problem: `expected ${LEAST_MEBIBYTES}Mi or more, such as "384Mi" or "1Gi", got ${show(memory)}` },
  ];
}

/** What is wrong with a request of CPU. */
export function cpuProblems(path: string, cpu: unknown): Problem[] {
  if (typeof cpu === "string" && /^(\d+m|\d+(\.\d+)?)$/.test(cpu)) return [];
  return [{ path, problem: `expected a quantity such as "100m" or "0.5", got ${show(cpu)}` }];
}

/** A limit of memory that is checked as soon as it is known; a plain one was checked with all other arguments. */
export function memoryLimit(gate: string, path: string, memory: pulumi.Input<string>): pulumi.Output<string> {
  return checkedLater({ kind: "Gate", name: gate }, memory, (text) => memoryProblems(path, text));
}

/**
 * Flags of `node` that keep its heap within a container's limit: without them it collects garbage so late that the
 * kernel ends the process first.
 *
 * @param memory a quantity without {@link memoryProblems}
 */
export function heapFlags(memory: string): string[] {
  const mebibytes = (bytesOf(memory) ?? 0) / MEBIBYTE;
  return [
    `--max-old-space-size=${Math.floor(mebibytes * HEAP_SHARE)}`,
    `--max-semi-space-size=${SEMI_SPACE_MEBIBYTES}`,
  ];
}
