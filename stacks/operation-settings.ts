/** Settings of how a gate runs: where its events go, what it writes into the cluster, who may read its metrics. */
import * as z from "zod/mini";
import { clusterStateSchema } from "@gatehouse/policy";

const text = z.string().check(z.minLength(1));
const resources = z.strictObject({ cpu: z.optional(text), memory: z.optional(text) });

/** As `Gate` takes them, which looks at their values. */
export const operationSettings = {
  /** CPU and memory of each judge. */
  resources: z.optional(resources),
  /** CPU and memory of the observer. */
  observerResources: z.optional(resources),
  /** Who may read metrics: Pods of a namespace, by their labels where there are any, or addresses. */
  metricsFrom: z.optional(
    z.array(
      z.union([
        z.strictObject({ namespace: text, podLabels: z.optional(z.record(z.string(), z.string())) }),
        z.strictObject({ cidr: text }),
      ]),
    ),
  ),
  /** A receiver of events. Its headers are set with `--secret`. */
  eventSink: z.optional(
    z.strictObject({
      url: text,
      headers: z.optional(z.record(z.string(), text)),
      ca: z.optional(text),
      format: z.optional(z.enum(["batched", "structured"])),
    }),
  ),
  /** What the observer writes into the cluster. */
  clusterState: z.optional(clusterStateSchema),
};
