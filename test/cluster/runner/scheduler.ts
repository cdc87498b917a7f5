/**
 * Binds Pods without a node, and says why it cannot.
 *
 * @module
 */
import type { Node, Pod } from "kubernetes-types/core/v1.d.ts";
import { ApiError, type ApiClient } from "../api.ts";
import type { Reflector } from "../reflector.ts";
import { chooseNode } from "./schedule.ts";
import { nameOf, podPath, uidOf } from "./types.ts";

export interface Scheduler {
  /** Something has changed: Pods that wait are looked at soon. */
  wake(): void;
}

/** Schedules by the copies that the reflectors keep. */
export function createScheduler(
  api: ApiClient,
  nodes: Reflector<Node>,
  pods: Reflector<Pod>,
  notice: (message: string) => void,
): Scheduler {
  /** Bindings on their way, by UID: they count before the copy shows them. */
  const assumed = new Map<string, string>();
  const told = new Map<string, string>();
  let pending = false;

  function pass(): void {
    pending = false;
    for (const uid of assumed.keys()) {
      const pod = pods.items.get(uid);
      if (pod === undefined || pod.spec?.nodeName !== undefined) assumed.delete(uid);
    }
    const known = [...nodes.items.values()];
    const placed = new Map<string, Pod>();
    for (const [uid, pod] of pods.items) {
      const node = assumed.get(uid) ?? pod.spec?.nodeName;
      if (node !== undefined) placed.set(uid, withNode(pod, node));
    }
    for (const pod of pods.items.values()) {
      const uid = uidOf(pod);
      const { spec, metadata } = pod;
      const isOurs = spec?.schedulerName === undefined || spec.schedulerName === "default-scheduler";
      if (!isOurs || spec?.nodeName !== undefined || assumed.has(uid) || metadata?.deletionTimestamp)
        continue;
      if ((spec as { schedulingGates?: unknown[] } | undefined)?.schedulingGates?.length) continue;
      const choice = chooseNode(pod, known, [...placed.values()]);
      if ("node" in choice) {
        assumed.set(uid, choice.node);
        placed.set(uid, withNode(pod, choice.node));
        told.delete(uid);
        void bind(pod, choice.node);
      } else if (told.get(uid) !== choice.reason) {
        told.set(uid, choice.reason);
        void explain(pod, choice.reason);
      }
    }
    for (const uid of told.keys()) if (!pods.items.has(uid)) told.delete(uid);
  }

  async function bind(pod: Pod, node: string): Promise<void> {
    const { name } = nameOf(pod);
    try {
      await api.post(`${podPath(pod)}/binding`, {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name, uid: uidOf(pod) },
        target: { apiVersion: "v1", kind: "Node", name: node },
      });
    } catch (error) {
      // No answer, deleted meanwhile, or bound by another: none of them is news.
      const expected = error instanceof ApiError && [0, 404, 409].includes(error.status);
      if (!expected) notice(`binding ${podPath(pod)}: ${(error as Error).message}`);
      assumed.delete(uidOf(pod));
      setTimeout(wake, 1000).unref();
    }
  }

  async function explain(pod: Pod, message: string): Promise<void> {
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastTransitionTime: new Date().toISOString(),
    };
    const status = { conditions: [condition] };
    await api
      .patch(`${podPath(pod)}/status`, { metadata: { uid: uidOf(pod) }, status }, "strategic-merge")
      .catch(() => undefined);
  }

  function wake(): void {
    if (pending) return;
    pending = true;
    setImmediate(pass);
  }
  return { wake };
}

function withNode(pod: Pod, nodeName: string): Pod {
  return { ...pod, spec: { containers: [], ...pod.spec, nodeName } };
}
