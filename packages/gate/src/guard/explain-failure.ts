import { resources, type Kube, type KubeObject } from "@gatehouse/kube";
import { escapedLines } from "./escaped-lines.ts";
import { selectorLabels } from "../names.ts";

/** What a Pod says of its containers, as far as we look (k8s.io/api/core/v1 `ContainerStatus`). */
interface ContainerStatus {
  readonly ready?: boolean;
  readonly state?: {
    readonly terminated?: Terminated;
    readonly waiting?: { readonly reason?: string; readonly message?: string };
  };
  readonly lastState?: { readonly terminated?: Terminated };
}

interface Terminated {
  readonly message?: string;
  readonly exitCode?: number;
}

interface Pod extends KubeObject {
  readonly status?: { readonly containerStatuses?: readonly ContainerStatus[] };
}

/**
 * Why the judge's new replicas do not become ready, in their own words: the last thing each said before it ended.
 * Pulumi's Kubernetes provider shows that a container is restarted, and not why it ended.
 *
 * @returns one entry for each thing said, none when nobody said anything
 * @throws KubeError
 */
export async function whyNotReady(kube: Kube, namespace: string): Promise<string[]> {
  const labelSelector = Object.entries(selectorLabels("judge"))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const { items } = await kube.list<Pod>(resources.pods, { namespace, labelSelector });
  const said = items
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .filter(({ ready }) => ready !== true)
    .map(wordsOf)
    .filter((words) => words !== "");
  return [...new Set(said)];
}

function wordsOf({ state, lastState }: ContainerStatus): string {
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended?.message) return escapedLines(ended.message.trim());
  if (ended?.exitCode !== undefined) return `it ended with exit code ${ended.exitCode} without a word`;
  const { reason, message } = state?.waiting ?? {};
  return reason === undefined || reason === "ContainerCreating"
    ? ""
    : escapedLines(message === undefined ? reason : `${reason}: ${message}`);
}
