import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Mode } from "@gatehouse/policy";
import { readManifests } from "../input/manifests.ts";
import type { Expected } from "./outcome.ts";

/** One stop of the tour. */
export interface Scene {
  name: string;
  /** Name of a sample workload. */
  workload: string;
  mode: Mode;
  /** One line: what there is to see. */
  about: string;
  expected: Expected;
  /** What kubectl says of it, for those where that is worth its lines. */
  show?: "denial" | "warning";
}

/**
 * The moment of the tour, just after the sample reports were made. Whenever it is played, an exemption of the sample
 * policy is in force, another has run out, and a fix is as old as it was.
 */
export const tourMoment = Date.parse("2026-11-22T10:00:00Z");

const deny = "deny";

/** The tour, in order. */
export const scenes: readonly Scene[] = [
  {
    name: "clean",
    workload: "web",
    mode: deny,
    about: "nothing above medium",
    expected: { action: "allow", findings: 0 },
  },
  {
    name: "high finding",
    workload: "cart",
    mode: deny,
    about: "admitted, with a warning in kubectl",
    show: "warning",
    expected: { action: "audit", code: "GH1001", findings: 1 },
  },
  {
    name: "critical finding",
    workload: "checkout",
    mode: deny,
    about: "fixed ten weeks ago; this is what kubectl says",
    show: "denial",
    expected: { action: "deny", code: "GH1001", findings: 2 },
  },
  {
    name: "exempted",
    workload: "legacy-invoices",
    mode: deny,
    about: "a critical, exempted until 2027-01-31: only audited",
    expected: { action: "audit", code: "GH1001", findings: 1 },
  },
  {
    name: "expired exemption",
    workload: "nightly",
    mode: deny,
    about: "its exemption ended on 2026-10-31",
    expected: { action: "deny", code: "GH1001", findings: 1 },
  },
  {
    name: "unscanned",
    workload: "debug",
    mode: deny,
    about: "never scanned: what is not known is not clean",
    expected: { action: "deny", code: "GH1015", findings: 0 },
  },
  {
    name: "init container",
    workload: "search",
    mode: deny,
    about: "its init container has what is known to be exploited",
    expected: { action: "deny", code: "GH1001", findings: 1 },
  },
  {
    name: "digest",
    workload: "ledger",
    mode: deny,
    about: "by digest; the attestation is about that digest",
    expected: { action: "allow", findings: 0 },
  },
  {
    name: "mode audit",
    workload: "checkout",
    mode: "audit",
    about: "the same checkout, in a cluster that only audits",
    show: "warning",
    expected: { action: "audit", code: "GH1001", findings: 2 },
  },
];

const samples = new URL("./samples/", import.meta.url);

/** Folder of the sample reports. */
export const sampleReports = fileURLToPath(new URL("reports", samples));

/** Path of a sample workload. */
export function workloadFile(workload: string): string {
  return fileURLToPath(new URL(`workloads/${workload}.yaml`, samples));
}

/** A sample workload, read. */
export async function readWorkload(workload: string): Promise<unknown> {
  const file = workloadFile(workload);
  const { manifests, problems } = readManifests(await readFile(file, "utf8"), file);
  const [first] = manifests;
  if (first === undefined || problems.length > 0) throw new Error(`${file} cannot be read`);
  return first.object;
}
