/**
 * The downward interface: a Pod's fields and a container's resources as text.
 *
 * @module
 */
import type { Container, Pod, ResourceFieldSelector } from "kubernetes-types/core/v1.d.ts";

/** Facts of a Pod that its status may not show yet. */
export interface PodFacts {
  readonly podIp: string;
  readonly hostIp: string;
}

/** The value of a `fieldRef`. @throws for a path that the runner does not know. */
export function fieldValue(pod: Pod, facts: PodFacts, path: string): string {
  const entry = /^metadata\.(labels|annotations)\['([^']+)'\]$/u.exec(path);
  if (entry !== null) return pod.metadata?.[entry[1] as "labels" | "annotations"]?.[entry[2] ?? ""] ?? "";
  switch (path) {
    case "metadata.name":
      return pod.metadata?.name ?? "";
    case "metadata.namespace":
      return pod.metadata?.namespace ?? "";
    case "metadata.uid":
      return pod.metadata?.uid ?? "";
    case "metadata.labels":
      return pairs(pod.metadata?.labels);
    case "metadata.annotations":
      return pairs(pod.metadata?.annotations);
    case "spec.nodeName":
      return pod.spec?.nodeName ?? "";
    case "spec.serviceAccountName":
      return pod.spec?.serviceAccountName ?? "default";
    case "status.podIP":
    case "status.podIPs":
      return facts.podIp;
    case "status.hostIP":
    case "status.hostIPs":
      return facts.hostIp;
    default:
      throw new Error(`fieldRef ${path}: not a field that this Pod runner knows`);
  }
}

function pairs(map: Readonly<Record<string, string>> = {}): string {
  return Object.entries(map)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}

const suffixes: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The value of a `resourceFieldRef`, rounded up. @throws when the container does not set the resource. */
export function resourceValue(
  containers: readonly Container[],
  own: Container | undefined,
  ref: ResourceFieldSelector,
): string {
  const container =
    ref.containerName === undefined ? own : containers.find(({ name }) => name === ref.containerName);
  const [kind, resource = ""] = ref.resource.split(".");
  const text = container?.resources?.[kind as "limits" | "requests"]?.[resource];
  if (text === undefined) {
    throw new Error(
      `resourceFieldRef ${ref.resource}: the container does not set it, and nodes here have no limits`,
    );
  }
  return String(
    Math.ceil(
      quantity(text) / quantity(ref.divisor === undefined || ref.divisor === "0" ? "1" : ref.divisor),
    ),
  );
}

function quantity(text: string): number {
  const [, digits, suffix = ""] = /^([0-9.]+)([A-Za-z]*)$/u.exec(text) ?? [];
  const factor = suffixes[suffix];
  if (digits === undefined || factor === undefined) throw new Error(`quantity ${text}: not understood`);
  return Number(digits) * factor;
}
