/** From changed verdicts to event lines. */
import { hash } from "node:crypto";
import {
  backgroundEvent,
  eventKeyParts,
  type BackgroundEvent,
  type Cluster,
  type EventInput,
} from "@gatehouse/policy";
import { LRUCache } from "lru-cache";
import type { VerdictChange } from "./background.ts";

/** Keys whose count is remembered. */
const rememberedKeys = 50_000;

/** Builds the events of one observer, with how often each thing was said. */
export function createBackgroundEvents(options: {
  instance: string;
  cluster: Cluster;
  policyHash: string;
  /** Unique for each call. */
  newId: () => string;
  now: () => number;
}): (change: VerdictChange) => BackgroundEvent {
  const counts = new LRUCache<string, number>({ max: rememberedKeys });
  const { instance, cluster, policyHash } = options;
  return ({ aspect, subject, was, ruling, scans }) => {
    const input: Omit<EventInput, "request"> = {
      instance,
      cluster,
      subject,
      workload: subject.workload,
      verdict: { ruling, scans },
      policyHash,
      at: options.now(),
      durationMs: 0,
    };
    const request = { uid: "", operation: "", user: "", groups: [] };
    const parts = `background ${aspect} ${eventKeyParts({ ...input, request })}`;
    const key = hash("sha256", parts, "hex").slice(0, 32);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const { action, inDenyMode } = was;
    return backgroundEvent(
      { ...input, id: options.newId(), aspect, was: { action, inDenyMode } },
      key,
      count,
    );
  };
}
