/** From what is held of a workload to what the policy judges. */
import { platformsOf, type Cluster, type ImageUse, type Platform, type Subject } from "@gatehouse/policy";
import type { Held } from "./held.ts";
import type { OwnedWorkload } from "./workload-graph.ts";

/** Everything of one workload that is judged. */
export interface WorkloadSubjects {
  readonly key: string;
  readonly owner: string;
  readonly namespace: string;
  /** As written, what would be judged if it were created again: the first is the owner itself, where it is here. */
  readonly written: readonly Subject[];
  /** As running, one for each different set of digests, and how many Pods run it. */
  readonly running: readonly { readonly subject: Subject; readonly pods: number }[];
  /** Pods that it has, whether or not their digests are known. */
  readonly pods: number;
  /** Platforms that its images are looked up for; empty: all. */
  readonly platforms: readonly Platform[];
}

/** What is known of the cluster around a workload. */
export interface Surroundings {
  readonly cluster: Cluster;
  /** Undefined when they could not be read. */
  readonly namespaceLabels: Readonly<Record<string, string>> | undefined;
  /** Platforms that the cluster can schedule; empty: all. */
  readonly platforms: readonly Platform[];
}

/** Builds the subjects of a workload. */
export function subjectsOf(owned: OwnedWorkload, around: Surroundings): WorkloadSubjects {
  const written: Subject[] = [];
  for (const held of owned.written.values()) {
    written.push(subjectOfHeld(owned, held, held.images, around));
    // What its controller makes is judged too, with the labels of its template. Nothing follows a PodTemplate.
    const makesPods = held.kind !== "Pod" && held.kind !== "PodTemplate";
    if (makesPods && held.labels !== held.podLabels)
      written.push(subjectOfHeld(owned, asPod(held), held.images, around));
  }
  const running = new Map<readonly ImageUse[], { held: Held; pods: number }>();
  for (const held of owned.pods.values()) {
    if (held.running === undefined) continue;
    const known = running.get(held.running);
    if (known) known.pods += 1;
    else running.set(held.running, { held, pods: 1 });
  }
  return {
    key: owned.key,
    owner: owned.owner,
    namespace: owned.namespace,
    written,
    running: [...running].map(([images, { held, pods }]) => ({
      subject: subjectOfHeld(owned, held, images, around),
      pods,
    })),
    pods: owned.pods.size,
    platforms: platformsOfWorkload(owned, around.platforms),
  };
}

function asPod(held: Held): Held {
  return { ...held, kind: "Pod", name: "", uid: "", labels: held.podLabels };
}

function subjectOfHeld(
  owned: OwnedWorkload,
  held: Held,
  images: readonly ImageUse[],
  { cluster, namespaceLabels }: Surroundings,
): Subject {
  const { kind, name, uid, labels } = held;
  return {
    cluster,
    namespace: {
      name: held.namespace,
      ...(namespaceLabels === undefined ? {} : { labels: namespaceLabels }),
    },
    object: { kind, name, labels, ...(uid === "" ? {} : { uid }) },
    pod: held.pod,
    workload: owned.workload,
    images,
  };
}

/** Every platform that any of its objects can be scheduled on, in the cluster's order. */
function platformsOfWorkload(
  { written, pods }: OwnedWorkload,
  all: readonly Platform[],
): readonly Platform[] {
  if (all.length <= 1) return all;
  const wanted = new Set<Platform>();
  const seen = new Set<Held["nodeSelector"]>();
  for (const { nodeSelector } of [...written.values(), ...pods.values()]) {
    if (seen.has(nodeSelector)) continue;
    seen.add(nodeSelector);
    const podLike = { apiVersion: "v1", kind: "Pod", spec: { nodeSelector: nodeSelector ?? {} } };
    for (const platform of platformsOf(podLike, all)) wanted.add(platform);
  }
  return all.filter((platform) => wanted.has(platform));
}
