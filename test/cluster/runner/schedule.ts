/**
 * Chooses a node for a Pod: a scheduler that knows node selectors, required node affinity, cordons, taints, topology
 * spread and, for the rest, the emptiest node. Resources are not counted: no node is ever full.
 *
 * @module
 */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from "kubernetes-types/core/v1.d.ts";
import type { LabelSelector } from "kubernetes-types/meta/v1.d.ts";

/** The name of the chosen node, or why there is none. */
export type Choice = { readonly node: string } | { readonly reason: string };

/** Chooses among `nodes` for `pod`; `pods` are all others, of which those with a node count. */
export function chooseNode(pod: Pod, nodes: readonly Node[], pods: readonly Pod[]): Choice {
  const unknown = unknownConstraints(pod);
  if (unknown.length > 0) return { reason: `this scheduler cannot honour ${unknown.join(", ")}` };
  const rejections = new Map<string, number>();
  const fitting: Node[] = [];
  // By default the spread is reckoned over nodes that the selector allows, tainted ones too.
  const counted = nodes.filter((node) => selected(pod, node));
  for (const node of nodes) {
    const reason = counted.includes(node)
      ? untolerated(pod, node)
      : "didn't match Pod's node affinity/selector";
    if (reason === undefined) fitting.push(node);
    else rejections.set(reason, (rejections.get(reason) ?? 0) + 1);
  }
  const running = pods.filter((other) => other.spec?.nodeName !== undefined && !hasEnded(other));
  const spread = fitting.filter((node) => skewAfter(pod, node, counted, running, "DoNotSchedule") <= 0);
  if (fitting.length > spread.length) {
    rejections.set("didn't match pod topology spread constraints", fitting.length - spread.length);
  }
  const ranked = spread
    .map((node) => ({
      name: node.metadata?.name ?? "",
      skew: skewAfter(pod, node, counted, running, "ScheduleAnyway"),
      load: running.filter((other) => other.spec?.nodeName === node.metadata?.name).length,
    }))
    .sort((a, b) => a.skew - b.skew || a.load - b.load || (a.name < b.name ? -1 : 1));
  const [best] = ranked;
  if (best !== undefined) return { node: best.name };
  const counts = [...rejections].map(([reason, count]) => `${count} ${reason}`);
  return { reason: `0/${nodes.length} nodes are available: ${counts.join(", ")}.` };
}

function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

function unknownConstraints(pod: Pod): string[] {
  const { affinity, resourceClaims } = pod.spec ?? {};
  const unknown: string[] = [];
  if (affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length) {
    unknown.push("required Pod affinity");
  }
  if (affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length) {
    unknown.push("required Pod anti-affinity");
  }
  if (resourceClaims?.length) unknown.push("resource claims");
  return unknown;
}

function selected(pod: Pod, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  const terms =
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return (
    Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value) &&
    (terms === undefined || terms.some((term) => matchesTerm(term, node)))
  );
}

function untolerated(pod: Pod, node: Node): string | undefined {
  for (const taint of node.spec?.taints ?? []) {
    if (taint.effect === "PreferNoSchedule") continue;
    const tolerated = (pod.spec?.tolerations ?? []).some(
      (toleration) =>
        (toleration.effect === undefined || toleration.effect === taint.effect) &&
        (toleration.key === undefined || toleration.key === taint.key) &&
        (toleration.operator === "Exists" || (toleration.value ?? "") === (taint.value ?? "")),
    );
    if (!tolerated) return `had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  }
  return undefined;
}

function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields = { "metadata.name": node.metadata?.name ?? "" };
  return (
    matchExpressions.every((requirement) => meets(requirement, node.metadata?.labels ?? {})) &&
    matchFields.every((requirement) => meets(requirement, fields))
  );
}

/** A requirement of a node selector or of a label selector, against labels or fields. */
function meets(
  { key, operator, values = [] }: Pick<NodeSelectorRequirement, "key" | "operator" | "values">,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

/** Whether a label selector selects these labels; an absent selector selects nothing, an empty one everything. */
export function selects(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (selector === undefined) return false;
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels))
  );
}

/** By how much the Pod's spread constraints of one kind would be exceeded on `node`, added up; 0 or less is none. */
function skewAfter(
  pod: Pod,
  node: Node,
  nodes: readonly Node[],
  pods: readonly Pod[],
  kind: "DoNotSchedule" | "ScheduleAnyway",
): number {
  let excess = kind === "DoNotSchedule" ? 0 : -Number.MAX_SAFE_INTEGER;
  for (const constraint of pod.spec?.topologySpreadConstraints ?? []) {
    if (constraint.whenUnsatisfiable !== kind) continue;
    const domain = (candidate: Node) => candidate.metadata?.labels?.[constraint.topologyKey];
    const own = domain(node);
    if (own === undefined) return Number.MAX_SAFE_INTEGER;
    const counts = new Map<string, number>();
    for (const candidate of nodes) {
      const name = domain(candidate);
      if (name !== undefined && !counts.has(name)) counts.set(name, 0);
    }
    for (const other of pods) {
      if (other.metadata?.namespace !== pod.metadata?.namespace || other.metadata?.deletionTimestamp)
        continue;
      const labels = other.metadata?.labels ?? {};
      if (!selects(constraint.labelSelector, labels)) continue;
      const samePods = (constraint.matchLabelKeys ?? []).every(
        (key) => labels[key] === pod.metadata?.labels?.[key],
      );
      if (!samePods) continue;
      const at = nodes.find((candidate) => candidate.metadata?.name === other.spec?.nodeName);
      const name = at === undefined ? undefined : domain(at);
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const skew = (counts.get(own) ?? 0) + 1 - Math.min(...counts.values());
    if (kind === "DoNotSchedule") excess += Math.max(0, skew - constraint.maxSkew);
    else excess = Math.max(excess, skew);
  }
  return excess === -Number.MAX_SAFE_INTEGER ? 0 : excess;
}
