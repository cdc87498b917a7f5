/** What the judges of a cluster have written, those that are gone included. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  admissionEventSchema,
  admissionEventType,
  emergencyEventSchema,
  emergencyEventType,
  type AdmissionEvent,
  type EmergencyEvent,
} from "@gatehouse/policy";
import type { Cluster } from "../cluster/cluster.ts";

/** All lines that containers named `judge` have written so far, in no order across containers. */
export async function judgeLines(cluster: Cluster): Promise<Record<string, unknown>[]> {
  const names = await readdir(cluster.folder, { recursive: true });
  const logs = names.filter((name) => /(^|\/)logs\/judge-\d+\.log$/.test(name));
  const texts = await Promise.all(logs.map((name) => readFile(join(cluster.folder, name), "utf8")));
  return texts.flatMap((text) =>
    text
      // A line that is being written is left for the next time.
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
}

/** The events about admissions, each checked against its schema. */
export async function admissionEvents(cluster: Cluster): Promise<AdmissionEvent[]> {
  const lines = await judgeLines(cluster);
  return lines
    .filter(({ type }) => type === admissionEventType)
    .map((line) => admissionEventSchema.parse(line));
}

/** The events about changes of break-glass. */
export async function emergencyEvents(cluster: Cluster): Promise<EmergencyEvent[]> {
  const lines = await judgeLines(cluster);
  return lines
    .filter(({ type }) => type === emergencyEventType)
    .map((line) => emergencyEventSchema.parse(line));
}
