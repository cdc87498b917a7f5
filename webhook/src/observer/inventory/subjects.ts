/** From what is held of a workload to what the policy judges. */
import type { Cluster, ImageUse, Platform, Subject } from "@gatehouse/policy";
import { platformsOf } from "../../judge/subject.ts";
import type { Held } from "./held.ts";
import type { OwnedWorkload } from "./workload-graph.ts";

/** A subject, and the platforms that its images are looked up for. */
export interface Judgeable {
  readonly subject: Subject;
  readonly platforms: readonly Platform[];
}

/** Everything of one workload that is judged. */
export interface WorkloadSubjects {
  readonly key: string;
  readonly owner: string;
  readonly namespace: string;
  /** As written, what would be judged if it were created again: the first is the owner itself, where it is here. */
  readonly written: readonly Judgeable[];
  /** As running, one for each different set of digests. */
  readonly running: readonly (Judgeable & { readonly pods: number })[];
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
  const written: Judgeable[] = [];
  for (const held of owned.written.values()) {
    written.push(judgeable(owned, held, held.images, around));
    // What it makes is judged too, with the labels of its template.
    if (held.kind !== "Pod" && held.labels !== held.podLabels)
      written.push(judgeable(owned, asPod(held), held.images, around));
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
      ...judgeable(owned, held, images, around),
      pods,
    })),
  };
}

function asPod(held: Held): Held {
  return { ...held, kind: "Pod", name: "", uid: "", labels: held.podLabels };
}

function judgeable(
  owned: OwnedWorkload,
  held: Held,
  images: readonly ImageUse[],
  { cluster, namespaceLabels, platforms }: Surroundings,
): Judgeable {
  const { kind, name, uid, labels } = held;
  return {
    subject: {
      cluster,
      namespace: {
        name: held.namespace,
        ...(namespaceLabels === undefined ? {} : { labels: namespaceLabels }),
      },
      object: { kind, name, labels, ...(uid === "" ? {} : { uid }) },
      pod: held.pod,
      workload: owned.workload,
      images,
    },
    platforms: platformsOf(
      { apiVersion: "v1", kind: "Pod", spec: { nodeSelector: held.nodeSelector ?? {} } },
      platforms,
    ),
  };
}
