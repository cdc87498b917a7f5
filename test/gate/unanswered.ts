/** What must hold at every moment of a gate's coming and going, looked at again and again from beside. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.d.ts";
import { createApiClient } from "../cluster/api.ts";
import { clean } from "./reports.ts";
import { workload } from "./workloads.ts";
import type { World } from "./world.ts";

/** What went wrong meanwhile; nothing, if all is well. */
export interface Trouble {
  /** What was said of creations that failed. */
  readonly failures: readonly string[];
  /** Webhooks that were registered while nobody was ready to answer. */
  readonly unanswered: readonly string[];
}

/** No trouble. */
export const none: Trouble = { failures: [], unanswered: [] };

/** Creates, and looks who is registered and who is ready, until `during` has ended. */
export async function troubleDuring(world: World, during: Promise<void>): Promise<Trouble> {
  const ended = new AbortController();
  const done = during.finally(() => ended.abort());
  const [failures, unanswered] = await Promise.all([
    failuresUntil(world, ended.signal),
    unansweredUntil(world, ended.signal),
    done,
  ]);
  return { failures, unanswered };
}

async function failuresUntil(world: World, ended: AbortSignal): Promise<string[]> {
  const failures: string[] = [];
  for (let number = 0; !ended.aborted; number++) {
    const probe = workload("PodTemplate", `probe-${number}`, clean.reference);
    const said = await world.create(probe, "--dry-run=server");
    if (said.code !== 0) failures.push(said.stderr);
    await sleep(100);
  }
  return failures;
}

interface Registered {
  readonly metadata: { readonly name: string; readonly uid: string };
}

async function unansweredUntil({ cluster }: World, ended: AbortSignal): Promise<string[]> {
  const api = createApiClient(cluster.admin);
  const registered = async () => {
    const base = "/apis/admissionregistration.k8s.io/v1";
    const lists = await Promise.all(
      ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"].map((plural) =>
        api.get<{ items: Registered[] }>(`${base}/${plural}`),
      ),
    );
    return lists.flatMap(({ items }) => items).map(({ metadata: { name, uid } }) => `${name} ${uid}`);
  };
  const ready = async () => {
    const { items } = await api.get<{ items: EndpointSlice[] }>(
      "/apis/discovery.k8s.io/v1/namespaces/gatehouse/endpointslices?labelSelector=kubernetes.io/service-name%3Dgatehouse",
    );
    return items
      .flatMap(({ endpoints }) => endpoints ?? [])
      .some(({ conditions }) => conditions?.ready === true);
  };
  const found = new Set<string>();
  try {
    while (!ended.aborted) {
      const before = await registered();
      if (before.length > 0 && !(await ready())) {
        // What was taken away in between was no longer registered when nobody was ready.
        const still = new Set(await registered());
        for (const name of before) if (still.has(name)) found.add(name);
      }
      await sleep(20);
    }
  } finally {
    api.close();
  }
  return [...found];
}
