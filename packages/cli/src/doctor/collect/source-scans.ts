import type { ServiceCaller } from "@gatehouse/kube";
import type { PlatformScan } from "@gatehouse/policy";
import { takeSnapshot } from "../../snapshot/take.ts";
import type { SourceScans } from "../facts.ts";

/** What the observer knows of each source's reports. @throws KubeError, InvalidInputError */
export async function readSourceScans(ask: ServiceCaller): Promise<SourceScans[]> {
  const reports: PlatformScan["report"][] = [];
  for await (const line of takeSnapshot(ask, []))
    if (line.line === "scan") for (const { report } of line.scan.platforms) reports.push(report);
  return bySource(reports);
}

/** Counts reports by source and state. */
export function bySource(reports: readonly PlatformScan["report"][]): SourceScans[] {
  const all = new Map<
    string,
    { states: Record<string, number>; reasons: Record<string, string>; newestScan: string | undefined }
  >();
  for (const { source, state, reason, scannedAt } of reports) {
    const one = all.get(source) ?? { states: {}, reasons: {}, newestScan: undefined };
    all.set(source, one);
    one.states[state] = (one.states[state] ?? 0) + 1;
    if (state !== "complete" && reason !== undefined) one.reasons[state] ??= reason;
    const newest = one.newestScan === undefined ? Number.NEGATIVE_INFINITY : Date.parse(one.newestScan);
    if (scannedAt !== undefined && Date.parse(scannedAt) > newest) one.newestScan = scannedAt;
  }
  return [...all].map(([source, one]) => ({ source, ...one }));
}
