import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { ClusterRole } from "@pulumi/kubernetes/rbac/v1/clusterRole.js";
import { ClusterRoleBinding } from "@pulumi/kubernetes/rbac/v1/clusterRoleBinding.js";
import type * as pulumi from "@pulumi/pulumi";
import { judgedKinds } from "@gatehouse/policy";
import type { Placement } from "./placement.ts";
import { commonLabels } from "./names.ts";
import type { GateSettings } from "./settings.ts";

/** One rule of a role. */
export interface AccessRule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
}

/**
 * What the judge may do: read namespaces and owners, and the nodes unless their platforms are told. It asks for their
 * metadata only, which RBAC cannot tell apart from the whole. It may not list what it can be asked about by name, may
 * write nothing, and cannot read a Secret. Pods are not among the owners.
 */
export function judgeRules(settings: Pick<GateSettings, "platforms">): AccessRule[] {
  const owners = new Map<string, string[]>();
  for (const { apiGroup, kind, plural } of judgedKinds)
    if (kind !== "Pod" && kind !== "PodTemplate")
      owners.set(apiGroup, [...(owners.get(apiGroup) ?? []), plural]);
  return [
    { apiGroups: [""], resources: ["namespaces"], verbs: ["get"] },
    ...nodeRules(settings),
    ...[...owners].map(([group, resources]) => ({ apiGroups: [group], resources, verbs: ["get"] })),
  ];
}

/**
 * What the observer may do: watch every Pod template, ask whose a token is and what they may, which is how it tells who
 * asks, and write what `clusterState` leaves switched on. It cannot read a Secret.
 */
export function observerRules(settings: Pick<GateSettings, "platforms" | "clusterState">): AccessRule[] {
  const watch = ["list", "watch"];
  const groups = new Map<string, string[]>([["", ["namespaces"]]]);
  for (const { apiGroup, plural } of judgedKinds)
    groups.set(apiGroup, [...(groups.get(apiGroup) ?? []), plural]);
  const { reports, events } = settings.clusterState;
  return [
    ...[...groups].map(([group, resources]) => ({ apiGroups: [group], resources, verbs: watch })),
    ...nodeRules(settings),
    { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
    ...(reports ? reportRules : []),
    ...(events === "none"
      ? []
      : [{ apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"] }]),
  ];
}

/** One report for each workload, of the kind that the cluster serves; applied by the server, which takes both verbs. */
const reportRules: readonly AccessRule[] = [
  { apiGroups: ["openreports.io"], resources: ["reports"] },
  { apiGroups: ["wgpolicyk8s.io"], resources: ["policyreports"] },
].map((what) => ({ ...what, verbs: ["list", "create", "patch", "delete"] }));

/** Which platforms the cluster can schedule is read off its nodes, where it is not told. */
function nodeRules({ platforms }: Pick<GateSettings, "platforms">): AccessRule[] {
  return platforms === "nodes" ? [{ apiGroups: [""], resources: ["nodes"], verbs: ["list", "watch"] }] : [];
}

/** What whoever asks the observer may see; the observer gives these rights their meaning, no API server does. */
export function callerRules(): AccessRule[] {
  return [
    { apiGroups: ["gatehouse.dev"], resources: ["impact"], verbs: ["create"] },
    { apiGroups: ["gatehouse.dev"], resources: ["inventory", "events"], verbs: ["get"] },
  ];
}

/** A service account and what it may do everywhere. */
export interface Identity {
  readonly account: ServiceAccount;
  readonly binding: ClusterRoleBinding;
}

/** Makes a service account with a cluster role of its own. */
export function identity(
  place: Placement,
  suffix: string,
  serviceAccount: string,
  rules: readonly AccessRule[],
  annotations: Record<string, pulumi.Input<string>> = {},
): Identity {
  const name = `${place.name}-${suffix}`;
  const account = new ServiceAccount(
    name,
    {
      metadata: {
        name: serviceAccount,
        namespace: place.namespace,
        labels: { ...commonLabels },
        annotations,
      },
      automountServiceAccountToken: false,
    },
    place.options,
  );
  const role = new ClusterRole(
    name,
    { metadata: { labels: { ...commonLabels } }, rules: [...rules] },
    place.options,
  );
  const binding = new ClusterRoleBinding(
    name,
    {
      metadata: { labels: { ...commonLabels } },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
      subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace: place.namespace }],
    },
    place.options,
  );
  return { account, binding };
}
