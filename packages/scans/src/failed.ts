import {
  oneLine,
  unscanned,
  unscannedReport,
  type ImageScan,
  type IncompleteState,
  type ScanReport,
} from "@gatehouse/policy";
import { RegistryError } from "./registry/errors.ts";

/** A failed look-up as a scan state: what the registry said for sure, else `unavailable`. */
export function failed(error: unknown, source: string, digest?: string): ImageScan {
  return unscanned(stateOf(error), reasonOf(error), source, digest);
}

/** The same as a report. */
export function failedReport(error: unknown, source: string): ScanReport {
  return unscannedReport(stateOf(error), reasonOf(error), source);
}

function reasonOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error), 300);
}

/** The scan state of a failure. Only a registry's own "not found" is an answer; what it sent wrong is none. */
export function stateOf(error: unknown): IncompleteState {
  if (!(error instanceof RegistryError)) return "unavailable";
  if (error.code === "not-found") return "absent";
  return error.code === "unsupported" ? "unsupported" : "unavailable";
}
